# make -j, killed in the middle with all that it has started, and run again.

create made
"$program" job graph made.job --make > made.job/Makefile
begin make.log setsid make -C made.job -j 2
make=$!
await 100 "three tasks of make" has_done made.job 3
kill -9 -- -$make
wait $make 2> /dev/null || true
[ ! -e made.tif ] || fail "make ended before it was killed"
make -C made.job -j 2 -s || fail "make ended with status $?"
same made

create_batch made-photos
"$program" job graph made-photos.job --make | make -C made-photos.job -f - -j 2 -k -s 2> /dev/null && fail "make did not see that a task failed"
same_batch made-photos
