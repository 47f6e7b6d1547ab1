// Ends children when this process is killed by what it cannot handle: SIGKILL, the kernel for want of memory, a crash.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "process.h"

// It reads which groups there are until nobody can write to its pipe any more. A shell takes less than a copy of this
// process would, which might be large.
static const char script[] =
    "cd /\n"
    "all=' '\n"
    "while read -r line; do case $line in\n"
    "  +*) all=\"$all${line#?} \" ;;\n"
    "  *) all=\"${all%% ${line#?} *} ${all#* ${line#?} }\" ;;\n"
    "esac; done\n"
    "for group in $all; do kill -s KILL -- \"-$group\"; done\n";

static atomic_int guardian = -1;

void guardian_start(void) {
  int ends[2], nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nothing >= 0 && process_make_pipe(ends)) {
    const int theirs[4] = {ends[0], nothing, nothing, -1};
    char *const arguments[] = {"/bin/sh", "-c", (char *)script, NULL}, *const environment[] = {NULL};
    // What a terminal sends to all in front of it is not for it.
    sigset_t all;
    sigfillset(&all);
    int32_t number;
    if (process_spawn(&number, theirs, arguments, environment, &all) == 0) {
      atomic_store(&guardian, ends[1]);
    } else {
      close(ends[1]);
    }
    close(ends[0]);
  }
  if (nothing >= 0) close(nothing);
}

void guardian_tell(bool is_there, int32_t group) {
  int descriptor = atomic_load(&guardian);
  if (descriptor < 0) return;
  char line[16];
  int length = snprintf(line, sizeof line, "%c%d\n", is_there ? '+' : '-', group);
  // Short enough to be written whole. Without a guardian the rest goes on.
  if (write(descriptor, line, (size_t)length) < 0) atomic_store(&guardian, -1);
}
