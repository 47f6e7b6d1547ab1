#!/usr/bin/env python3
"""Makes the manual pages: options from the program's own definitions, prose from here.

    imbrex --dump-definitions | make.py FOLDER

The pages stand in the repository; `make manuals` makes them anew.
"""
import json
import pathlib
import re
import sys

DATE = "November 21, 2026"

BOUNDARIES = """Beyond the border of a row
.Ql a b c d
a filter sees, by
.Fl -boundary :
.Bl -column "constant" "d c b a | a b c d | d c b a" -offset indent
.It reflect Ta d c b a | a b c d | d c b a
.It mirror Ta d c b | a b c d | c b a
.It nearest Ta a a a a | a b c d | d d d d
.It wrap Ta a b c d | a b c d | a b c d
.It constant Ta k k k k | a b c d | k k k k, where k is
.Fl -cval
.El
.Pp
.Fl -cval
goes with
.Cm constant
only.
Gaussian, sobel and median also take one for each axis, that of y first:
.Ql reflect,wrap .
.Cm symmetric ,
.Cm edge
and
.Cm periodic
are other names of reflect, nearest and wrap;
.Cm grid-mirror ,
.Cm grid-wrap
and
.Cm grid-constant ,
which scipy has, of reflect, wrap and constant."""

PAGES = {
    "gaussian": {
        "description": """Blurs each picture with a Gaussian: a weighted mean of the pixels within
floor(truncate × sigma + 0.5) pixels, with weights exp(−x²/2σ²) divided by their sum, axis by axis.
The result is that of
.Ql skimage.filters.gaussian .
Sample type, channels and colour are kept; integers are rounded to the nearest.
Colour is weighted by alpha, so that hidden colour does not bleed out of transparent pixels.
.Pp
With
.Fl -order
the weights are those of a derivative of the Gaussian, on either axis by itself: 0,1 gives the slope along x, 2,0 the curvature along y, 1,1
the mixed one.
The result is that of
.Ql scipy.ndimage.gaussian_filter
with an order, for each colour; alpha is dropped.
It is written as 0.5 + response/2 in integer types and as it is in float, and takes no picture with pixels that do not count.
.Pp
""" + BOUNDARIES,
        "examples": ["gaussian --sigma 2 in.png -o out.png", "gaussian --sigma 0,5 --boundary wrap panorama.tif -o out.tif",
                     "gaussian --float --sigma 1.5 in.tif -o out.tif"],
    },
    "sobel": {
        "description": """Finds edges with a first-derivative operator on luma (0.2125 R + 0.7154 G + 0.0721 B of the samples as stored).
Responses are normalised so that a full step gives 1: derivative [1 0 −1] one way, smoothing the other way by [1 2 1]/4
(sobel), [3 10 3]/16 (scharr) or [1 1 1]/3 (prewitt); the 5-tap filters of Farid and Simoncelli (farid); or the differences along
the two diagonals (roberts).
The magnitude is √(h² + v²)/√2, so a straight full step gives 0.707.
The result is that of
.Ql skimage.filters.sobel
and its family.
.Pp
A response of 1 is written as the sample type's maximum.
The signed directions are written as 0.5 + response/2, and as they are in float: below minus above (horizontal), right minus left
(vertical); of roberts lower right minus upper left (positive-diagonal) and lower left minus upper right (negative-diagonal).
Alpha is ignored.
.Pp
""" + BOUNDARIES,
        "examples": ["sobel photo.jpg -o gradient.png", "sobel --operator scharr --direction vertical --float in.tif -o dx.tif",
                     "gaussian --sigma 2 then sobel photo.jpg -o gradient.png"],
    },
    "median": {
        "description": """Replaces each sample by the middle one of its window, channel by channel: of the sorted window the value of rank
count/2, rounded down.
The result is that of
.Ql scipy.ndimage.median_filter .
Sample type, channels and colour are kept.
A disk of radius R holds the pixels at a distance of at most R, a diamond those that are at most R steps along rows and columns away, a cross
a row and a column; an octagon is as regular as can be:
.Ql skimage.morphology.octagon(m, n)
with m + 2n = 2R + 1.
.Fl -footprint
takes any other shape: of a small picture, of at most 2001 × 2001 pixels, those that are not 0.
Of an even number of rows or columns the middle is the one behind the middle, as in scipy.
In float pictures, NaN counts as greater than any number.
.Pp
.Fl -rank
takes another sample of the sorted window, counted from 0, or with \u22121 from its end, as
.Ql scipy.ndimage.rank_filter
does;
.Fl -percentile
that of rank count × P/100, rounded down, as
.Ql percentile_filter .
.Pp
Medians of 3×3 and 5×5 squares go through sorting networks, the least and the greatest of rectangles through a few comparisons; for larger
rectangles the time does not depend on the window in 8-bit pictures, and grows with its height in others.
.Pp
""" + BOUNDARIES,
        "examples": ["median --radius 2 noisy.png -o clean.png", "median --shape disk --radius 5 stars.tif -o background.tif",
                     "median --percentile 10 --footprint ring.png cells.tif -o ground.tif"],
    },
    "edge": {
        "description": """Finds edges with Canny's detector, on luma scaled to [0, 1]: Gaussian smoothing, the gradient by unnormalised Sobel filters,
thinning along the gradient with interpolation, and hysteresis: of the thin edges above
.Fl -low
those that are connected, corners included, to one above
.Fl -high .
A full unsmoothed step has a gradient of 4.
The output is one 8-bit channel of 0 and 255.
It is not compressed with loss unless the output's name or
.Fl -format
asks for that: of a JPEG comes a PNG, and in a directory its name says so; with
.Fl -in-place
JPEGs are refused.
The result is that of
.Ql skimage.feature.canny ,
equal in each pixel where NumPy does not use AVX-512: with that its exponential is off by a last digit here and there, so that
scikit-image's own result is another on drawings full of ties.
.Ev NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR"
turns it off.
.Pp
With
.Fl -quantiles
the thresholds are quantiles of the gradient's magnitude over the whole picture, which is then held while they are found.
.Pp
""" + BOUNDARIES,
        "examples": ["edge photo.jpg -o edges.png", "edge --sigma 2 --quantiles --low 0.8 --high 0.95 cells.tif -o edges.png",
                     "median --radius 2 then edge photo.jpg -o edges.png"],
    },
    "blob-detect": {
        "description": """Finds bright blobs (dark ones with
.Fl -dark )
and writes a table of them, strongest first: row y, column x, sigma and radius, in pixels.
A blob is a peak, in space and scale, of the response at a range of scales: the Laplacian of Gaussians times sigma² (log), the
difference of neighbouring Gaussians (dog), or the determinant of the Hessian from box filters (doh, which finds bright and dark blobs
alike).
The radius is √2 sigma for log and dog, sigma for doh.
With sigmas of their own for y and x (log, dog) blobs are ellipses, and the columns y, x, sigma_y, sigma_x, radius_y and radius_x.
Of two blobs that overlap by more than
.Fl -overlap
of the smaller one's area, the smaller goes.
The result is that of
.Ql skimage.feature.blob_log ,
.Ql blob_dog
and
.Ql blob_doh ,
but for the order in which overlapping pairs are taken: here it is that of the list, there that of a hash table,
so that in crowded pictures the lists may differ by a few.
.Pp
Where a sigma is a length, such as
.Ql --max-sigma 3um ,
y, x, sigma and radius in its unit stand beside those in pixels.
Of a stack whose file says which z, c and t its pages are, those are columns.
.Pp
Over several inputs each row begins with its file's name.
With
.Fl -region
the table has the rows whose centres lie in it, in coordinates of the whole picture, and an overlay is the crop.
In a chain it is the last stage.""",
        "examples": ["blob-detect --min-sigma 3 --max-sigma 20 cells.tif > cells.csv",
                     "blob-detect --method doh --dark pores.png -o pores.json --overlay seen.png",
                     "median then gaussian --sigma 1 then blob-detect cells/ -o tables/"],
    },
    "apply": {
        "description": """Runs a command on overlapping tiles: any function that makes each pixel from those around it.
A tile goes, with its ghosts, as a picture to the command's standard input; the command writes one of the same width and height to its
standard output; the ghosts are trimmed and the rest is the tile of the result.
The command is run by
.Xr sh 1 ,
for each tile anew, as many at the same time as there are workers.
.Pp
.Fl -halo
is how far the function looks.
It stands in for the option of that name that all filters share.
At the picture's border there are no ghosts: what lies beyond it is the command's own affair.
.Ss Plug-ins
With
.Fl -plugin Ar FILE
a function of a shared library makes the tiles instead of a command.
It says itself how far it looks, what it sees beyond the border and what it makes;
.Fl -set
fills its parameters, which
.Ql imbrex apply --plugin FILE --help
lists.
Of a library with several filters one is named as
.Ar FILE:NAME .
Each worker has a process with the library, so that a crash is one line and no output;
.Fl -in-process
loads it into imbrex itself.
How plug-ins are made is in
.Xr imbrex-filter 3 .
.Ss Frames
.Bl -tag -width npy
.It pam
PAM: unsigned integers of 8 and 16 bits in any number of channels.
.It pnm
PGM and PPM: the same of one and three channels.
.It npy
NumPy's format, version 1.0, little-endian, in C order: of shape (height, width), or (height, width, channels).
Samples are the numbers that stand in the file: u1, u2, u4, i1, i2, i4, f2, f4 or f8.
.El
.Pp
Alpha is the last channel.
The command may answer in any of them, in PBM too, and in npy of both byte orders, of Fortran's order, and of u8, i8 and bool as well; of at most 4096 channels.
64-bit integers become 64-bit floats, and are refused where they would not be exact; of bool, true is 255.
Samples of 9 to 15 bits come as PAM with that MAXVAL; in npy as their numbers, which then come out as 16 bits.
.Pp
The type of samples and the number of channels of the result are those of the first tile that comes back, and must be the same for all.
As many channels as the input has mean what they mean there.
Else one is gray and three are RGB; alpha is there if PAM's TUPLTYPE says so, or if the input has it and two or four come back; others are
bands of no known meaning, for TIFFs.
Behind a stage that needs the whole picture, in jobs and in bench the command is tried on a small picture first, to see what it makes.
.Ss Where a tile is
The environment tells it:
.Ev IMBREX_TILE_X ,
.Ev IMBREX_TILE_Y ,
.Ev IMBREX_TILE_WIDTH
and
.Ev IMBREX_TILE_HEIGHT
without ghosts,
.Ev IMBREX_GHOSTS
as
.Ar TOP,BOTTOM,LEFT,RIGHT ,
.Ev IMBREX_PICTURE_WIDTH
and
.Ev IMBREX_PICTURE_HEIGHT .
.Pp
.Ev OMP_NUM_THREADS ,
.Ev OPENBLAS_NUM_THREADS
and
.Ev MKL_NUM_THREADS
are 1 for commands unless they are set: there is a command for each worker already.
.Ss One process for many tiles
With
.Fl -keep
each worker has one process, which reads tile after tile and answers each before the next comes, until its standard input ends; then it has
to end as well.
It has to flush its output.
It is kept from picture to picture.
Frames of PAM and PNM have the variables above as comments,
.Ql # IMBREX_TILE_X=0 ;
npy has no room for them.
In Python:
.Bd -literal -offset indent
import sys
from types import SimpleNamespace
from numpy.lib import format
from scipy import ndimage
# NumPy asks files for their position, which pipes do not have.
pipe = SimpleNamespace(read=sys.stdin.buffer.read, write=sys.stdout.buffer.write)
while sys.stdin.buffer.peek(1):
    tile = format.read_array(pipe)
    format.write_array(pipe, ndimage.uniform_filter(tile.astype('f4'), 5))
    sys.stdout.buffer.flush()
.Ed
.Pp
This is scikit-image's
.Ql apply_parallel(function, image, depth=2) :
.Pp
.Dl imbrex apply --halo 2 --keep --frames npy --command 'python3 mean.py' in.tif -o out.tif
.Ss Failures
A command that fails, is killed, or writes something else than one frame of the right size ends the run with one line that names the
tile, as
.Fl -region
takes it, and the last line of the command's standard error; nothing is written.
All lines of its standard error are shown with their tile, but with
.Fl q .
Each command has a process group of its own, which is killed when the run ends, with whatever the command has left behind; also when imbrex
itself is killed.
What has left the group, as
.Xr setsid 1
does, is not, but nobody waits for it.
Of several pictures, the status with which kept processes end is looked at after the last.
.Ss Seams
.Fl -check-seams
makes a sample of the tiles again, with more ghosts and so from other rows and columns, and a part of each as a tile of its own.
Where a pixel differs, the run fails with its place and the least halo that does for that tile.
It cannot prove that there are no seams: not in tiles outside the sample, nor for functions that look further than twice the halo and about 50
pixels, and differ too little there.
A function that looks at the whole tile (a mean, a quantile, labels) always differs.
.Pp
.Fl -incremental
sees that the command's words have changed, not that the programs have which it names.""",
        "examples": ["apply --halo 16 --command './denoise --strength 3' in.tif -o out.tif",
                     "apply --halo 16 --command 'python3 segment.py' --keep --frames npy in.tif -o out.tif",
                     "gaussian then apply --frames pnm --command pnminvert then edge in.png -o edges.png",
                     "apply --halo 8 --check-seams --command './denoise' in.tif -o out.tif"],
    },
    "info": {
        "description": """Tells what files hold, from their headers: format, size, type of samples, colour, compression and its settings, layout, pages,
profile, orientation, resolution, and what metadata there are; of a TIFF the levels, masks and pictures beside its pages, and the number
that stands for no data.
.Pp
With
.Fl -json
it prints one object a file, on a line of its own:
.Ql file ,
.Ql format ,
.Ql bytes ,
.Ql pages ,
then the fields of the first page
.Ql ( width ,
.Ql height ,
.Ql channels ,
.Ql type ,
.Ql color ,
.Ql alpha
and so on), and those of all pages in
.Ql page_list .
Where a description of ImageJ or OME says what the pages are,
.Ql axes
names the axes, slowest first, such as ZCYX, and
.Ql shape
their lengths.
.Ql type
is the type that filters keep,
.Ql file_bits
and
.Ql file_color
are what stands in the file.""",
        "examples": ["info photo.jpg", "info --json *.tif > files.ndjson"],
    },
    "bench": {
        "description": """Runs a filter, or a chain of them, on a picture in memory: serially (one worker, one tile), then with each of several worker counts, taking turns.
Every parallel result is compared with the serial one; if a byte differs, the exit status is 1.
The table has, for each setting, the median, least and greatest time, megapixels a second, the speed-up over serial, efficiency (speed-up
a worker) and the serial fraction of Karp and Flatt: the share of the work that would have to be serial to explain the speed-up.
Then come the gigabytes a second that are read of the picture and written of the result, and which share that is of the rate at which as
many workers copy memory: a filter cannot be faster than copying.
.Pp
With
.Fl -end-to-end
the times are those from file to file, through a temporary file of the input's format; decoding, the filter and encoding are also timed
each by itself, in memory.
As they overlap, the whole takes less than their sum.
.Pp
.Fl -tile
and
.Fl -chunks
may be given several times: every worker count is then timed with each, so that the best tile for a machine and a filter is found.
.Fl -plot
draws the speed-up, with the spread of the runs, beside the ideal.
.Pp
FILTER is any filter, with its own options as in its own manual page.
A chain has no
.Cm tee
here.""",
        "examples": ["bench gaussian --sigma 2 photo.png", "bench median --radius 5 --jobs 1,2,4 --runs 9 --json scan.tif",
                     "bench gaussian --sigma 2 --end-to-end --plot speedup.svg photo.png",
                     "bench median --tile 64x4096 --tile 256x256 --chunks 4x4 photo.png",
                     "bench gaussian --sigma 2 then sobel photo.png"],
    },
}

# Long, and with examples of its own.
JOB = pathlib.Path(__file__).with_name("job.mdoc")

MAIN = """.Nm
filters pictures in overlapping tiles on every core.
A picture is decoded, filtered and encoded at the same time, band by band: a tile is given ghost cells (a halo) from its neighbours, as many as
the filter reaches, is filtered, and loses them again.
The result is the same, byte for byte, for every tiling and number of workers.
.Pp
An input is a file, a directory (the pictures in it) or
.Sq - ,
standard input; without INPUT standard input is read if it is not a terminal.
Formats are told by content: PNG, JPEG, TIFF, PNM, PAM and PFM of Netpbm, and npy, NumPy's arrays.
.Pp
The output is named with
.Fl o ;
its format follows from its extension or
.Fl -format .
Without
.Fl o
the result goes to standard output, in the input's format, if that is not a terminal.
With several inputs, or a directory, OUTPUT is a directory, which is made if it is missing.
.Ss Chains
The word
.Cm then
separates the stages of a chain:
.Pp
.Dl imbrex gaussian --sigma 2 then sobel in.png -o out.png
.Pp
A filter's own options stand in its stage.
Inputs and the options that all filters share may stand in any stage.
A file of that name is
.Pa ./then .
.Pp
A stage's input is what the stage before would have written, rounded to its sample type; so the result is that of the filters run one
after another.
.Fl -float
or
.Fl -preserve-range
on a stage passes its floats on, unrounded.
Nothing is compressed in between: of a JPEG the result is that of lossless files in between.
The picture is decoded once and encoded once, and all stages work at the same time.
A stage that must see the whole picture first (edge, the method doh of blob-detect,
.Fl -boundary Cm wrap )
takes one more pass, or has its input held.
.Pp
.Cm then tee Ar FILE
writes the picture as it is at that point, and passes it on:
.Pp
.Dl imbrex gaussian --sigma 2 then tee smooth.tif then edge in.tif -o edges.png
.Pp
The format of FILE follows from its extension, or is that of the input where FILE is
.Sq - ,
standard output, to which then nothing else may go; how it is written, from the same options as that of the output.
With several inputs FILE is a directory, named with a slash at its end or there already, and its pictures are of the kind of the inputs.
.Pp
blob-detect makes a table, and can only be the last stage.
.Ss Sweeps
.Fl -vary
runs a chain once for each value of a name, which stands in braces in options and in the outputs' names:
.Pp
.Dl imbrex gaussian --sigma {s} then edge --high {t} --vary s=1,2,4 --vary t=0.2:0.4:0.05 in.tif -o 'edges-{s}-{t}.png'
.Pp
.Ar NAME Ns = Ns Ar FIRST Ns \&: Ns Ar LAST Ns \&: Ns Ar STEP
has the last value among its own where steps lead to it, and as many decimals as were given.
With several names there is an output for each combination of their values, and the outputs' names have to tell them apart.
A slash in a value becomes an underscore in a name.
Inputs,
.Fl -region
and other options that are one for all combinations cannot vary: options of filters can, and those of how results are written.
Each output is, byte for byte, that of the chain run alone with these values.
.Pp
What combinations have in common is done once: decoding, equal first stages, and a
.Cm tee
among these.
Inside a filter it is what does not depend on what varies: of
.Cm edge
the smoothed gradient and its thinning for all
.Fl -low
and
.Fl -high ,
also with
.Fl -quantiles ;
of
.Cm blob-detect
the scale space for all
.Fl -threshold ,
.Fl -threshold-rel
and
.Fl -overlap .
.Fl -explain
draws the tree of what is shared, and says what is saved.
Where the branches of one tree would need more than
.Fl -max-memory ,
or more files were written at once than may be open, 128 at most, the picture is held and there are several trees, one after the other; it
is decoded once all the same.
.Pp
Directories, pages, pipes,
.Fl -incremental
(only new combinations are made),
.Fl -report
and
.Fl -dry-run
are as without
.Fl -vary .
More than 10,000 combinations need
.Fl -yes .
.Pp
.Fl -sheet Ar FILE
draws all results on one picture, with the values of the last name over its columns and those of the others beside its rows.
It is no larger than a screen of 1920 by 1080 pixels, or than
.Fl -sheet-size .
Results are reduced by the mean of the area, and lines of edges brightened so that
they stay visible.
.Fl -sheet-region Ar WxH+X+Y
shows that part of each at full size instead.
Tables of blobs are drawn as circles on what they were made of.
Of several pages the sheet shows the first.
For several inputs FILE is a directory.
.Pp
.Fl -truth Ar FILE
compares each result of
.Cm edge
or
.Cm blob-detect
with what is right, and prints how much of what was found is right (precision), how much of what is right was found (recall) and the
harmonic mean of both (F1), best first; as JSON with
.Fl -json .
For edges FILE is a picture whose lighter pixels than black are edges.
As in the Berkeley benchmark, each edge pixel goes with at most one of the truth, no further away than
.Fl -tolerance
pixels (0.0075 of the picture's diagonal), so that there are as many pairs as can be.
At 0 only the very same pixels count.
For blobs it is a table with columns
.Li y
and
.Li x
(or
.Li row
and
.Li column ) ,
as
.Cm blob-detect
writes it, or a picture of spots; centres go together up to
.Fl -tolerance
pixels, 5 by default.
Where nothing was found, or nothing is right, the ratio is 0.
For several inputs FILE is a directory with files of the same names, and the counts of all are added.
With
.Fl -sheet
or
.Fl -truth
there need be no other output:
.Pp
.Dl imbrex edge --low {l} --high {h} --vary l=0.05:0.2:0.05 --vary h=0.2:0.4:0.05 --truth drawn.png --sheet all.png in.png
.Pp
On two cores 16 pairs of thresholds of a picture of 4096 by 4096 pixels, written as PNGs, took 1.7 times one run; a loop of
.Nm
12.9 times, a loop of OpenCV on gradients that were made once 15.6 times, of scikit-image on a picture that was decoded once 185 times
.Pq Ql make bench-sweeps .
.Ss Lengths
The sigmas of gaussian, edge and blob-detect may be lengths:
.Ql --sigma 0.5um ,
.Ql --max-sigma 3um .
Units are nm, um (or \u00b5m), mm, cm, m, km, in and ft; px are pixels.
How large a pixel is the file has to say: OME-XML (PhysicalSizeX and Y), ImageJ (its unit and the resolution), GeoTIFF in a projection
(its scale, in metres or feet), else the resolution of TIFF, PNG or JPEG in pixels an inch or a centimetre.
Nothing said is an error, and so are degrees.
Of many files each has its own size;
.Nm imbrex info
shows what a file says.
.Pp
Where pixels are not square, gaussian and edge have a sigma for each axis; blob-detect refuses pixels whose sides differ by more than a
thousandth, unless a sigma is given for each axis.
Tables of blobs then have the columns in the unit beside those in pixels:
.Ql y_um , x_um , sigma_um , radius_um .
A median's window is of whole pixels, and so are
.Fl -exclude-border
and
.Fl -halo .
.Ss Stacks
Each page of a stack is filtered by itself.
Where a TIFF says which z, c (channel) and t (time) its pages are, as those of ImageJ and OME do, they can be chosen by that:
.Ql --page c=1
.Ql --page z=3-9,t=1 .
Places are counted from 1, like pages.
Names of pages may have them
.Pq Ql --name '{stem}-z{z}-c{c}.{ext}' ;
tables of blobs have them as columns beside the page.
.Ss Regions
With
.Fl -region Ar WxH+X+Y
the output is W by H pixels, from column X and row Y on, counted from 0: exactly that crop of the result for the whole picture.
So is what
.Cm tee
and
.Fl -overlay
write.
A table has the rows whose centres lie in the region, in coordinates of the whole picture.
Columns and rows are those of the picture as it is stored, or as
.Fl -auto-orient
turns it.
.Pp
Only what the region and its ghosts need is read.
Uncompressed TIFFs, binary PNM, PAM and npy are read where it is, of other TIFFs the strips and tiles that it touches; PNG, JPEG and pipes are
read from the top to its last row.
edge (with
.Fl -quantiles
or without), blob-detect and
.Fl -boundary Cm wrap
need the whole picture.
.Ss Pixels that do not count
A pixel is invalid where
.Fl -mask
is zero, and where a sample is the number of
.Fl -nodata
(or a NaN, with
.Fl -nodata Cm nan ) .
Without
.Fl -nodata
the file itself is asked: GDAL's tag of no data, and a TIFF's own mask, which follows its picture and has its size, are honoured;
.Fl v ,
.Fl -explain
and
.Ic info
say so, and
.Fl -nodata Cm none
takes all pixels as they are.
A number for no data, in the file's units, stands for each band by itself and for alpha nowhere; a mask, gray or colour and as large as the
picture, holds for all bands and for every filter of a chain.
A mask with as many pages as the picture has one for each page; of any other the first page is the mask of all.
.Bl -tag -width blob-detect
.It gaussian
is the sum of the samples that count divided by the sum of their weights.
.It median
is the sample of rank n/2, rounded down, of the n samples in the window that count; a percentile is one of these n, and a rank is counted
among them, up to the last.
Where none counts the pixel comes out as it went in.
.It sobel
has a response where all that the operator looks at counts, and with a mask where that, eroded by 3\u00d73, is not zero.
Elsewhere stands the number for no data, or no response where there is none.
.It edge
has no edges within a pixel of an invalid one, and smooths without those, as scikit-image with a mask does.
.It blob-detect
takes for invalid pixels the mean of the valid ones around the pixel that a response is of, under the same Gaussian; no blob has its centre
on an invalid pixel.
The method doh refuses a picture that has some.
.It apply
hands pixels over as they are.
.El
.Pp
Of gaussian and median an invalid pixel comes out as it went in.
Where no pixel of a window is invalid, the result is the usual one, to the bit.
The number goes on to the next filter of a chain and into the tag of a TIFF that is written, in the units that samples then have; edge ends it.
A valid result can happen to be that number, above all of 8-bit samples; what comes after takes it for no data.
.Ss Batch
A directory stands for the files in it that have a picture's extension; with
.Fl r
it is descended into, links to directories excepted, and the tree below it is kept.
A file that is named outright is tried whatever its name.
.Fl -include
and
.Fl -exclude
are patterns of
.Xr fnmatch 3 :
with a slash they are matched with the path below the directory, else with the name.
.Fl -files-from
adds the files of a list.
With
.Fl -base Ar dir
all inputs must be below that directory, and their paths below it are kept in the directory of outputs.
Hidden files, and the directory of the outputs, are passed over.
.Pp
Pictures are filtered side by side on one pool of workers, and workers that are left over help with the tiles of the others.
Messages are in the order of the inputs.
What
.Fl -max-memory
allows is shared by the pictures at hand.
.Pp
One bad file is reported and the rest go on; a last line counts files done, skipped and failed.
Before anything is written it is checked that no two results have one name and none would replace another's input.
.Pp
With
.Fl -incremental
a file is skipped if its output is there, unchanged, and was made by the same version with the same options from the same content,
and what
.Cm tee
and
.Fl -overlay
write is there too.
What was done is recorded in
.Pa .imbrex-done
beside the outputs, a line for each; deleting it makes everything be done again.
.Fl -dry-run
tells what is up to date, and what
.Fl n
would skip.
.Pp
.Fl -name
makes outputs' names of a template.
.Ql {stem} ,
.Ql {ext}
and
.Ql {name}
are the input's name without its extension, the extension of the output, and the whole name;
.Ql {filter}
is the filter, or those of a chain;
.Ql {dir}
the directory that was named, or
.Fl -base ,
and those below it that lead to the file, with dashes between: the tree is not kept then.
With
.Ql {page}
each page is written as a file of its own, so that pages can become PNGs and JPEGs;
.Ql {page:3}
has zeros before it, to three digits.
.Ql {z} , {c}
and
.Ql {t}
are a page's places in a stack, likewise.
The name of an option of a filter stands for its value, given or default: of a chain,
.Ql {sigma}
is that of the first filter that has it,
.Ql {gaussian.sigma}
that of the first gaussian,
.Ql {2.sigma}
that of the second filter.
A slash in a value becomes
.Ql _ .
.Pp
.Fl -shard Ar k/n
does only the K-th of N parts.
A file's part follows from its path below its directory (or
.Fl -base )
alone, by a hash: parts are about equally large, together they are all files, and files that are added move no others.
Parts may run at the same time, on several machines, into one directory, also with
.Fl -incremental .
Each looks at all inputs to see that no two results have one name.
.Pp
.Fl -in-place
replaces each input by its result when that is complete;
.Fl -in-place Ns = Ns Ar .bak
keeps what was there.
Symbolic links are followed; mode and, where permitted, owner are kept; a file's other hard links keep the old content.
.Pp
.Fl -report
writes lines of JSON, each at once and whole, so that the file can be read at any time, and however the run ends.
The first says
.Ql version ,
.Ql chain ,
the
.Ql options
that were given, and how many
.Ql files
there are.
A line follows for each file, in the order in which they are done:
.Ql input ,
.Ql output ,
.Ql status
(done, skipped, unchanged or failed),
.Ql error ,
.Ql code ,
.Ql warnings
(also those that
.Fl q
does not print),
.Ql width ,
.Ql height ,
.Ql seconds ,
and where each page is a file
.Ql pages ,
their names.
.Ql code
is one word for what was wrong, which does not change with the words of messages:
.Bl -tag -width unknown-format -compact
.It not-found
A file or a directory is not there.
.It permission
The system does not allow it.
.It read-failed
The system refused to read for another reason.
.It unknown-format
It is no picture of a known format.
.It damaged
Its bytes break the rules of its format.
.It truncated
It ends too early.
.It unsupported
It is of a kind that is not handled, or that the output cannot hold.
.It no-page
It does not have the page.
.It limit
A limit, or the memory, is too small.
.It disk-full
There is no room for the output.
.It write-failed
The system refused to write for another reason.
.It usage
What was asked for makes no sense for it.
.It function-failed
A command of apply has failed.
.It closed-pipe
Nobody reads the output any more.
.El
Bytes of names that are not UTF-8 are written as
.Ql \eudcXX ,
as Python reads them.
.Ss Plans
.Fl -explain
prints for each input what a run would do, and does nothing: what comes in and goes out, workers, the grid of tiles, ghosts and the work that
they add, memory, passes over the picture, and each sweep with its stages.
What a run would refuse is refused.
With
.Fl -json
it prints one object a file, on a line of its own:
.Ql input ,
.Ql filter ,
.Ql left_out
(what does not count, if anything),
.Ql outputs
(the result, what
.Cm tee
and
.Fl -overlay
write),
.Ql region ,
.Ql read ,
.Ql passes ,
.Ql held ,
.Ql workers ,
.Ql grid ,
.Ql halo ,
.Ql extra_work_percent ,
.Ql memory_bytes ,
.Ql max_memory_bytes ,
.Ql kernels
and
.Ql sweeps .
.Pp
.Fl -version
with
.Fl -v
or
.Fl -json
also tells how the program was built, which kernels the machine runs, and the versions of libraries.
.Ss Formats
The same kind of file comes out as went in.
.Bl -tag -width indent
.It PNG
Read: every colour type and depth, interlaced or not.
Palettes and 1, 2 and 4 bits are widened to 8-bit gray or RGB; a transparent colour becomes alpha.
Kept: 8 or 16 bits, interlacing, gAMA, cHRM, sRGB, iCCP, pHYs, sBIT, bKGD, text, Exif, XMP.
.It JPEG
Read: baseline, progressive, arithmetic, restart markers; gray, YCbCr, RGB, CMYK and YCCK.
Kept: quality (estimated from the tables), subsampling, progression, coding, colour space, density, Exif, XMP, ICC profile,
comments, other application segments.
.It TIFF
Read: classic and BigTIFF of both byte orders; strips and tiles; interleaved and planar; 1 to 16-bit, 32 and 64-bit unsigned, 8,
16, 32 and 64-bit signed, 16, 32 and 64-bit floating-point samples; bilevel with CCITT, palette, gray, RGB, CMYK, Lab, YCbCr; any number of
bands; alpha; all compressions of libtiff but old-style JPEG; all pages.
Kept: all of it but palettes and less than 8 bits, which are widened;
compression (LERC with its largest error, WebP with or without loss; a picture of edges never with loss);
resolution, orientation, profile, all other tags, Exif and GPS directories.
A compression that does not go with the result, such as CCITT, which holds one bit only, becomes deflate, with a warning.
Each page is filtered by itself.
Strips and tiles that were never written (sparse files) read as GDAL's value of no data, or 0.
What stands beside the pages stays: see
.Sx Levels .
.Fl -compression
and
.Fl -tiles
write it otherwise; a method that does not go with the samples, such as jpeg with 16 bits, is refused.
webp is without loss unless
.Fl -quality
is given, lerc always.
Strips and tiles are compressed on all workers.
It is a BigTIFF if the input is, or if its samples and levels, uncompressed, come to more than 3.9 GB.
.It PNM, PAM, PFM
8 and 16 bits, in PFM 32-bit floating point; no metadata.
Of a stream of pictures, one behind the other, each is a page: filtered by itself and written, before the next has to be there.
.It npy
NumPy's arrays, versions 1 to 3: bool (false is 0, true 255, and comes out as uint8), signed and unsigned integers of 8 to 64 bits, 16, 32
and 64-bit floating point, of both byte orders; in C's order from files and pipes, row by row, and in Fortran's, which is held whole (beyond
.Fl -max-memory
in a temporary file).
Written in C's order, with the input's byte order.
.Pp
(rows, columns) is a gray picture.
Of three axes the last is the channels of a pixel if it is 16 at most, else the first is pages;
an array that may be either, because its last axis is larger than 16 and smaller than the others, is refused.
Four axes are always (pages, rows, columns, channels), so
.Ql a[..., None]
says that a stack is one, and
.Ql a[None]
that channels are channels.
Three channels are RGB, four RGB with alpha; two, and five or more, are bands of which nothing is known.
.Pp
Several pages, all of one size and type, become one array, with pages as the first axis;
in a pipe, if nobody knows how many there will be (from a stream of PNM, say), an array each, one behind the other.
There is no room for metadata.
.El
.Pp
CMYK and Lab are filtered in their own channels; sobel, edge and blob-detect take the luma of what light the inks leave, or L*.
64-bit floats and integers of 32 and 64 bits are filtered in double precision, all else by gaussian and sobel in single precision;
the median returns them as they are.
Integers of 64 bits are exact up to 53.
Signed integers count from \u2212max to max, so that 1.0 is the largest; the least, one further from 0, is read as \u22121.
.Pp
What a format cannot hold is converted with one warning: more bits are rounded, floats clamped (with another warning where values are lost), alpha put over
.Fl -background ,
CMYK turned into RGB without its profile.
Lab, in integers only, and more bands than colour and alpha go into a TIFF only (bands into an npy too), several pages into a TIFF, an npy or one of Netpbm's
formats.
Between formats Exif, XMP, profile, resolution, orientation and a comment or description are carried over.
A picture that its file's orientation turns is turned upright where the output cannot say so.
.Ss Levels
Many TIFFs hold a picture again at half its size, at a quarter, and so on: as directories below the page (OME-TIFF's SubIFDs), as reduced
pages behind it (GDAL's overviews, libvips' pyramids), or as Aperio's and Hamamatsu's slides have them, which do not say what they are.
They are made anew from the result while it is written, each by means of 2 \u00d7 2 pixels of the one before, with their own tiles and
the page's compression; so many as there were, of the sizes that there were, also where some were skipped.
.Bl -bullet
.It
A last row or column that stands alone counts twice; integers are rounded to the nearest, halves up.
.It
Edges become what most of the four pixels are, and edge where two are and two are not, so that a line of one pixel does not break.
.It
Samples that GDAL's nodata value stands for do not count, each band by itself; of four such comes such a sample.
Nor does what the page's own mask leaves out, where something else of the four counts.
.It
Colour counts by its alpha.
.El
.Pp
.Fl -levels Cm drop
leaves them out;
.Fl -levels Ar N
makes N of them, each half of the one before: below the page in an OME-TIFF, else as reduced pages.
.Pp
Internal masks, with their levels, are copied as they are; with
.Fl -region ,
and where the picture is turned, they are cut and turned along, and made anew for levels (what most of four pixels are, and what counts where
two do), as they are for levels that had none.
With
.Fl -nodata
they are not read, and then left out with a warning where pixels move.
A slide's label, macro and thumbnail are copied as they are, too;
.Fl -strip
drops them, since they may say whose slide it is.
Of a Hamamatsu file comes a plain TIFF with levels: what its maker's tags say is of the input's JPEG streams.
Reduced pictures of other kinds, and those of sizes that no halving gives, are left out with a warning.
.Pp
A cloud optimized GeoTIFF (with GDAL's structural metadata) stays one: directories first, then data, of the smallest level first.
.Pp
Memory holds two rows of each level and what is being compressed.
Each level goes to a temporary file until its page is done; of a cloud optimized GeoTIFF so does the page, since its data stands last.
A job makes levels when it joins its parts.
.Ss Floating-point results
.Fl -float
writes what gaussian, sobel and median make of integers as 32-bit floats, 1.0 for the largest number of their type;
of 64-bit floats, and of integers of 32 and 64 bits, which have more digits than those, as 64-bit floats.
.Fl -preserve-range
writes them in the input's own units, as scikit-image's
.Ql preserve_range
does: a count of 7650 stays 7650.0, whether the file has 8, 12, 16 or 32 bits, with sign or without, and a gradient is in counts.
Alpha is 0 to 1 in either case.
The output is a TIFF, an npy or a PFM; integers, whose range stands for 0 to 1, are refused for it.
.Pp
Filters take floats as they are.
In a chain the stages behind
.Fl -preserve-range
see counts, just as a command that reads them from a file: of
.Dl imbrex gaussian --preserve-range then edge --low 20 --high 40 in.tif -o edges.tif
the thresholds are in counts, and so are
.Fl -cval
and those of blob-detect.
.Ss What becomes of metadata
Metadata are kept, as far as they are true of the result.
.Bl -tag -width indent
.It Software and times
What names the program that wrote a file and when it did goes: TIFF's and Exif's Software and DateTime, PNG's tIME and Software, XMP's
ModifyDate.
When and with what a photograph was taken (DateTimeOriginal, Make, Model, Creation Time) stays.
Nothing is put in their place, so that the same input gives the same bytes, unless
.Fl -provenance
asks for it: then Software (of JPEG, PNM and PAM a comment) is
.Ql imbrex VERSION: CHAIN ,
behind what an earlier run wrote there (PNM's and PAM's comments are not read, and PFM has none).
What
.Cm tee
writes tells of the filters up to there.
Of files that options name it has the names without their directories.
.It Pictures within
Thumbnails and previews show the picture as it was: those of Exif, maker's notes, XMP and Photoshop are left out, as are Photoshop's
layers, FlashPix, multi-picture and gain map segments, extended XMP, and signatures of the content (JUMBF).
.It Samples
Statistics of bands
.Pq GDAL's STATISTICS_*
and TIFF's MinSampleValue, MaxSampleValue and the like go.
ImageJ's display range and GDAL's nodata value and scale go with the samples where those are in other units
.Pq Fl -float , Fl -bit-depth ;
of sobel and edge, whose samples measure something else, they go, as does ImageJ's calibration wherever units change.
OME's Type and SignificantBits say what the samples are.
.It Pages and sizes
With
.Fl -page ,
and where
.Fl -name
makes each page a file,
the descriptions of ImageJ and OME, which stand in a file's first page, are those of the pages that are written: images, channels,
slices, frames, labels, and what is said of planes; pages that are no block of channels, slices and frames are a plain stack.
The scale (pixel size, spacing, time interval) is kept.
OME's names and UUIDs of files go, since a reader would take pixels from the input.
With
.Fl -region
OME's and Exif's sizes are the region's, GeoTIFF's tie points, matrix and rational polynomials move along, and drawings and regions of
interest go.
XML that cannot be read is left out.
.El
.Ss Damaged and hostile files
A file that is cut short or damaged is an error, and nothing is written; with
.Fl -allow-truncated
what can be read is filtered, the rest is black, and a warning says why.
A header that claims more pixels than its file could hold at the format's best compression is refused at once, as is one that claims more
than
.Fl -max-pixels .
That limit holds for the whole picture, whatever part of it is wanted, and for a sparse TIFF too, whose file may be small.
What a decoder has to hold whole (interlaced PNG, progressive JPEG) is held within
.Fl -max-memory .
.Ss Sandbox
On Linux, once the command line is understood and before the first byte of a picture is looked at, imbrex gives up what it does not need.
It can read its inputs, the files that options name, system libraries and
.Pa /proc ;
it can write in the directories of its outputs, of inputs with
.Fl -in-place ,
and in a directory of its own below
.Ev TMPDIR ;
of more than 128 inputs their directories count.
It can start no program, open no socket, look into no other process and change nothing of the machine.
So whoever takes over a decoder with a picture that was made for it has that picture, and little else.
.Pp
A plug-in's process is confined when it has been loaded and has told its reach: it reads system libraries and the directory that it is in.
The command of
.Xr imbrex-apply 1
has all rights of its user, since it is the user's program; it is started by another process, which starts nothing else.
.Pp
It takes Landlock (Linux 5.13, complete from 6.12) and a filter of system calls (seccomp).
Where the kernel has one of the two only, or none, imbrex does with what there is, and
.Fl v
says so.
.Fl -no-sandbox
does without.
.Ss Filters and other commands
.Bl -tag -width blob-detect
@LIST@
.El
.Sh OPTIONS
These are common to all filters.
.Fl -serial
does not go with
.Fl -jobs ,
.Fl -tile
or
.Fl -chunks .
"""

MAIN_END = """.Sh ENVIRONMENT
.Bl -tag -width IMBREX_JOBS
.It Ev IMBREX_JOBS
Workers, if
.Fl -jobs
is not given.
.It Ev IMBREX_CPU
Instruction set of the kernels: portable, avx2 or avx512, on arm64 portable or neon, as far as the machine runs them. All give the same result.
.It Ev NO_COLOR
If set, the bar of
.Fl -progress
has no colour.
.It Ev TMPDIR
Where temporary files go: what does not fit into
.Fl -max-memory ,
and pipes whose format needs seeking.
They have no name and vanish with the process; the directory of the process's own in which they are made goes at its end, or, where it was
killed, when another starts.
.El
.Sh FILES
An output is written beside its place, under a name such as
.Pa .out.png.imbrex-HOST-PROCESS-START-0 ,
and renamed when it is complete.
What a killed run has left of these is removed by the next run into the same directory on that machine, if the process is gone
(a run of one picture passes over large directories).
.Pp
.Pa .imbrex-done
in a directory of outputs is the record of
.Fl -incremental .
A link, a pipe or a file of another user in its place is neither read nor written, and a warning says so.
.Pp
What replaces an original
.Pq Fl -in-place ,
and with
.Fl -sync
every output, is on the disk before its name leads to it: a machine that loses power has the old file or the new.
What stands beside a private file is as private as that.
In a directory of outputs nothing is written to a device or a named pipe.
.Sh EXIT STATUS
.Bl -tag -width 128+n
.It 0
All done.
.It 1
An input could not be read, or an output not written; of several files, at least one.
.It 2
Usage: an unknown option, a bad value, no output.
.It 128 + n
Ended by signal n; nothing half-written is left.
.El
"""


INTERFACE = """A plug-in is a shared library with filters for
.Xr imbrex-apply 1 .
Its whole interface is the header
.In imbrex_filter.h ,
which includes no library; it is C99 and C++, and anything that can export a C function can be a plug-in (Swift with
.Ql @_cdecl ,
C++ and Rust with functions that are extern C).
.Pp
The library exports
.Fn imbrex_filters ,
which returns a list of filters with NULL behind the last.
A filter is a struct: its name and one sentence of help, the types of samples that it takes, its parameters, and three functions.
.Bl -tag -width output
.It Fn reach
says from the parameters how many pixels the filter sees above, below, left and right of a pixel (ghosts), and what is beyond the
picture's border: nothing (IMBREX_CLIP: tiles at the border have fewer ghosts), or what IMBREX_REFLECT, IMBREX_MIRROR, IMBREX_NEAREST,
IMBREX_WRAP or IMBREX_CONSTANT put there.
Without it the filter sees the pixel alone.
.It Fn output
says what it makes of a picture (type of samples, channels, colour, alpha), or refuses it.
Without it pictures like the input come out.
.It Fn apply
makes a tile.
The source is the tile's first pixel, with ghosts at lower and higher addresses than the tile's; the target, which is all 0 before, has
none.
What it makes of a pixel may depend on what lies around it, as far as
.Fn reach
said, and on where it is in the picture, never on where the tile ends: so the tiling cannot show.
.Fl -check-seams
looks for filters that break this.
.El
.Pp
A function returns 0, or anything else and one line of text in
.Fa message
(IMBREX_MESSAGE_SIZE bytes).
Functions need no threads and no memory of their own.
They are called from several processes at the same time, each of which has loaded the library and calls one function at a time; with
.Fl -in-process
from several threads.
.Ss Samples
Samples are what imbrex has in memory: 8 and 16-bit unsigned integers, which stand for 0 to 1, 32 and 64-bit floats.
Files of 9 to 15 bits are scaled to 16; signed and 16-bit floating-point samples are 32-bit floats, 32-bit integers 64-bit floats, with 1 for
the type's largest number.
The field
.Fa one
is the number in the file that stands for 1.
A filter that takes some types only (IMBREX_FLOAT32, say) gets pictures of smaller types as the next larger one that it takes, with 1 for
full scale, and its results become what the input was: integers are rounded and clamped.
Pictures of a larger type are refused, but for 64-bit floats, which become 32-bit ones.
.Ss Parameters
A parameter has a name, a sentence of help, a type (IMBREX_INTEGER, IMBREX_NUMBER, IMBREX_CHOICE, IMBREX_TEXT), a range and a default.
It is what an option is to a filter of imbrex's own: checks, messages and help are made of it.
.Fl -set Ar NAME=VALUE
fills it;
.Ql imbrex apply --plugin FILE --help
lists the parameters.
.Ss Failures
Each worker has a process with the plug-in, and tiles are in memory that both share.
The source cannot be written there, and next to source and target there is nothing; bytes around each row of the target are looked at after a
call.
So what crashes, hangs
.Pq Fl -tile-timeout ,
ends its process or writes beside its tile costs the run, with one line that names the tile; there is no output then.
What the plug-in prints is shown on standard error with the tile's name.
When the first tile comes, the process gives up all files but system libraries and those in the directory of the library, and all programs and
sockets: what a plug-in needs it opens when it is loaded or tells its reach
.Po
.Fl -no-sandbox
leaves it all
.Pc .
With
.Fl -in-process
the plug-in runs in imbrex itself: about as fast as a filter of its own, and only for plug-ins that are trusted.
A crash is that of imbrex then, and may leave an unfinished file, which the next run removes.
.Ss Versions
IMBREX_FILTER_VERSION is the version of the interface;
.Fn imbrex_filters
is asked for one, and each filter says which it was compiled with.
Another version is refused with a message.
"""


def interface_page(root):
    """The manual of imbrex_filter.h, with the example that the tests build."""
    code = (root / "Tests/Plugins/sharpen.c").read_text()
    code = code[code.index("#include"):].replace("\\", "\\e")
    code = "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in code.rstrip().split("\n"))
    return (f".\\\" Made by make.py; do not edit.\n.Dd {DATE}\n.Dt IMBREX-FILTER 3\n.Os\n.Sh NAME\n.Nm imbrex-filter\n"
            ".Nd plug-ins for imbrex\n.Sh SYNOPSIS\n.In imbrex_filter.h\n.Ft const imbrex_filter *const *\n"
            ".Fn imbrex_filters \"int32_t version\"\n.Sh DESCRIPTION\n" + escape(INTERFACE) +
            ".Sh EXAMPLES\nA filter that sharpens, with one parameter:\n.Bd -literal\n" + code + "\n.Ed\n.Pp\n"
            "It is built and run by\n.Dl cc -shared -fPIC -O2 sharpen.c -o libsharpen.so\n"
            ".Dl imbrex apply --plugin ./libsharpen.so --set amount=2 in.tif -o out.tif\n"
            ".Sh SEE ALSO\n.Xr imbrex 1 ,\n.Xr imbrex-apply 1\n")


def sentence(abstract):
    """An abstract as part of a sentence."""
    return abstract[0].lower() + abstract[1:].rstrip(".")


def escape(text):
    text = text.replace("\\", "\\e").replace("×", "\\(mu").replace("−", "\\-").replace("…", "\\&...").replace("√", "\\(sr")
    text = re.sub(r"\. (?=[A-Z])", ".\n", text)  # mdoc wants each sentence on a line of its own.
    return text.replace("²", "\\(S2").replace("σ", "\\(*s")


def option(definition):
    value = f" Ar {definition['value']}" if definition["kind"] not in ("flag", "optional-text") else ""
    flags = ([f"Fl {definition['short']}"] if definition["short"] else []) + [f"Fl -{definition['name']}"]
    head = ".It " + " , ".join(flag + value for flag in flags)
    if definition["kind"] == "optional-text":
        head += f" Ns Op Ns = Ns Ar {definition['value']}"
    text = definition["help"] + (f" ({definition['note']})" if definition["note"] else "")
    return head + "\n" + escape(text)


def options(definitions):
    return ".Bl -tag -width Ds\n" + "\n".join(map(option, definitions)) + "\n.El\n"


def examples(lines):
    return ".Sh EXAMPLES\n" + "".join(f".Dl imbrex {line}\n" for line in lines)


def page(name, abstract, synopsis, body):
    title = name.upper()
    return (f".\\\" Made by make.py; do not edit.\n.Dd {DATE}\n.Dt {title} 1\n.Os\n.Sh NAME\n.Nm {name}\n.Nd {abstract}\n"
            f".Sh SYNOPSIS\n{synopsis}\n.Sh DESCRIPTION\n{body}")


def main():
    folder = pathlib.Path(sys.argv[1])
    lists = json.load(sys.stdin)
    filters = {definition["name"]: definition for definition in lists["filters"]}
    commands = {definition["name"]: definition for definition in lists["commands"]}
    sections = {section["title"]: section["options"] for section in lists["sections"]}
    names = [*PAGES, "job"]
    if set(names) != set(filters) | set(commands):
        sys.exit(f"make.py: the pages {sorted(names)} are not the filters and commands {sorted(filters | commands)}")

    see = [".Xr imbrex 1"] + [f".Xr imbrex-{name} 1" for name in sorted(names)]

    def see_also(without):
        entries = [entry for entry in see if entry != f".Xr {without} 1"]
        return ".Sh SEE ALSO\n" + " ,\n".join(entries) + "\n"

    for name, prose in PAGES.items():
        definition = filters.get(name) or commands[name]
        own = definition["options"]
        body = ""
        if name == "bench":
            synopsis = (".Nm imbrex bench\n.Ar FILTER\n.Op Ar filter options\n.Op Ar options\n"
                        ".Oo Cm then Ar FILTER Oo Ar options Oc Oc Ns ...\n.Ar INPUT")
        elif name == "info":
            synopsis = ".Nm imbrex info\n.Op Fl -json\n.Ar INPUT ..."
        else:
            then = "" if definition["makes_table"] else ".Oo Cm then Ar FILTER Oo Ar options Oc Oc Ns ...\n"
            synopsis = f".Nm imbrex {name}\n.Op Ar options\n{then}.Op Ar INPUT ...\n.Op Fl o Ar OUTPUT"
            body = "Options that all filters share are in\n.Xr imbrex 1 .\n"
            if definition["makes_table"]:
                own = own + sections["Tables"]
        text = escape(prose["description"]) + "\n.Sh OPTIONS\n" + body + options(own) + examples(prose["examples"])
        (folder / f"imbrex-{name}.1").write_text(
            page(f"imbrex-{name}", sentence(definition["abstract"]), synopsis, text + see_also(f"imbrex-{name}")))
    (folder / "imbrex-filter.3").write_text(interface_page(pathlib.Path(__file__).resolve().parent.parent))
    job = commands["job"]
    synopsis = (".Nm imbrex job create\n.Ar JOB\n.Fl -parts Ar N\n.Op Fl -tiled-copy\n.Fl - Ar FILTER ...\n"
                ".Nm imbrex job run\n.Ar JOB\n.Op Fl -task Ar NAME | Fl -first Ar N\n"
                ".Nm imbrex job status\n.Ar JOB\n.Op Fl -json\n"
                ".Nm imbrex job graph\n.Ar JOB\n.Fl -json | -dot | -make\n"
                ".Nm imbrex job submit\n.Ar JOB\n.Fl -engine Cm slurm | dask\n.Op Fl -go\n.Op Fl -wait\n.Op Fl - Ar option ...")
    text = escape(JOB.read_text()).replace("@OPTIONS@", options(job["options"]))
    (folder / "imbrex-job.1").write_text(
        page("imbrex-job", sentence(job["abstract"]), synopsis, text + see_also("imbrex-job")))
    everywhere = "".join(f".Ss {title}\n{options(own)}" for title, own in sections.items() if title != "Tables")
    listed = "\n".join(f".It Cm {name}\n{sentence(definition['abstract'])};\n.Xr imbrex-{name} 1"
                       for name, definition in (filters | commands).items())
    text = escape(MAIN.replace("@LIST@", listed)) + everywhere + escape(MAIN_END)
    text += examples(["gaussian --sigma 2 in.png -o out.png", "gaussian --sigma 2 < in.png | imbrex edge > edges.png",
                      "median --radius 2 photos/ -o clean/", "blob-detect --max-sigma 20 cells.tif > cells.csv",
                      "gaussian --sigma 2 then sobel photo.jpg -o gradient.png",
                      "median then tee clean/ then edge photos/ -o edges/",
                      "median --radius 15 --region 512x512+8000+6000 scan.tif -o part.tif"])
    (folder / "imbrex.1").write_text(
        page("imbrex", "filter pictures in overlapping tiles on every core",
             ".Nm\n.Ar FILTER\n.Op Ar options\n.Oo Cm then Ar FILTER Oo Ar options Oc Oc Ns ...\n.Op Ar INPUT ...\n"
             ".Op Fl o Ar OUTPUT", text + see_also("imbrex")))


if __name__ == "__main__":
    main()
