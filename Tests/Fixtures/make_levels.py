#!/usr/bin/env python3
"""Makes levels.jsonl: one small TIFF a line with levels, masks or pictures beside its pages, or of a kind that libtiff has
trouble with.

    make_levels.py                    writes levels.jsonl beside this script
    make_levels.py --check IMBREX     runs the program on all of them and reads what it writes with tifffile, GDAL and
                                      rio-cogeo's validator

Needs numpy, tifffile, imagecodecs, rasterio and rio-cogeo.
"""
import base64, io, json, os, struct, subprocess, sys, tempfile, warnings

import numpy as np
import rasterio
import rasterio.shutil
import tifffile
from rasterio.transform import from_origin

warnings.simplefilter("ignore")
rng = np.random.default_rng(17)


def smooth(height, width, channels=0):
    y, x = np.mgrid[0:height, 0:width]
    plane = (np.sin(x / 9) + np.cos(y / 7) + 2) / 4
    return np.stack([np.roll(plane, 5 * c, 1) for c in range(channels)], -1) if channels else plane


cases = []


def case(name, data, samples=None, **about):
    line = dict(name=name, file=base64.b64encode(data).decode(), **about)
    if samples is not None:
        line.update(height=samples.shape[0], width=samples.shape[1], channels=samples.shape[2],
                    samples=base64.b64encode(samples.tobytes()).decode(), type=samples.dtype.name)
    cases.append(line)


def written(write, **options):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as tiff:
        write(tiff)
    return stream.getvalue()


def make_pyramids():
    gray = (smooth(90, 131) * 250).astype(np.uint8)
    stack = np.stack([np.roll(gray, 11 * i, 1) for i in range(3)])

    def ome(tiff):
        options = dict(tile=(32, 32), compression="zlib", photometric="minisblack")
        tiff.write(stack, subifds=2, metadata={"axes": "CYX", "PhysicalSizeX": 0.5, "Channel": {"Name": ["a", "b", "c"]}}, **options)
        tiff.write(stack[:, ::2, ::2], subfiletype=1, **options)
        tiff.write(stack[:, ::4, ::4], subfiletype=1, **options)

    case("ome subifds", written(ome, ome=True), levels=[[66, 45], [33, 23]], pages=3, children=True, axes="CYX")
    color = (smooth(91, 131, 3) * 255).astype(np.uint8)

    def pages(tiff):
        for k in range(3):
            tiff.write(color[::1 << k, ::1 << k], subfiletype=min(k, 1), tile=(48, 32), compression="lzw",
                       photometric="rgb", metadata=None)

    case("reduced pages", written(pages), levels=[[66, 46], [33, 23]], pages=1)
    case("reduced pages, big-endian BigTIFF", written(pages, byteorder=">", bigtiff=True), levels=[[66, 46], [33, 23]], pages=1)

    def aperio(tiff):
        head = "Aperio Image Library v11.2.1\r\n"
        jpeg = dict(compression="jpeg", photometric="rgb", metadata=None)
        tiff.write(color, tile=(32, 32), description=head + "131x91 [0,0 131x91] (32x32) JPEG/RGB Q=70|AppMag = 20|MPP = 0.5", **jpeg)
        tiff.write(color[::3, ::3], description=head + "131x91 -> 44x31 - |", rowsperstrip=16, **jpeg)
        tiff.write(color[:88:4, :128:4], tile=(32, 32), description=head + "131x91 [0,0 131x91] -> 32x22", **jpeg)
        tiff.write(color[:40, :30], subfiletype=1, compression="lzw", photometric="rgb", metadata=None, description=head + "label 30x40")
        tiff.write(color[:20, :60], subfiletype=9, rowsperstrip=16, description=head + "macro 60x20", **jpeg)

    case("aperio", written(aperio), levels=[[32, 22]], pages=1, beside=[[44, 31], [30, 40], [60, 20]])

    def hamamatsu(tiff):
        jpeg = dict(compression="jpeg", photometric="rgb", metadata=None, rowsperstrip=1 << 20)

        def tags(lens):
            return [(65420, "I", 1, 1, True), (65421, "f", 1, lens, True), (65426, "I", 4, (1, 2, 3, 4), True)]

        tiff.write(color[:80, :128], extratags=tags(20.0), **jpeg)
        tiff.write(color[:80:4, :128:4], extratags=tags(5.0), **jpeg)
        tiff.write(color[:30, :70], extratags=tags(-1.0), **jpeg)

    case("hamamatsu", written(hamamatsu), levels=[[32, 20]], pages=1, beside=[[70, 30]])


def gdal(samples, driver, nodata=None, mask=None, overviews=(), **options):
    samples = samples[None] if samples.ndim == 2 else np.moveaxis(samples, -1, 0)
    profile = dict(driver="GTiff", width=samples.shape[2], height=samples.shape[1], count=samples.shape[0],
                   dtype=samples.dtype, crs="EPSG:32632", transform=from_origin(5e5, 5e6, 10, 10), nodata=nodata)
    with tempfile.TemporaryDirectory() as folder, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_NUM_THREADS=1):
        with rasterio.open(folder + "/a.tif", "w", **profile) as file:
            file.write(samples)
            if mask is not None:
                file.write_mask(mask)
        rasterio.shutil.copy(folder + "/a.tif", folder + "/b.tif", driver=driver, **options)
        if overviews:
            with rasterio.open(folder + "/b.tif", "r+") as file:
                file.build_overviews(overviews, rasterio.enums.Resampling.average)
        with open(folder + "/b.tif", "rb") as file:
            return file.read()


def make_rasters():
    heights = np.round(smooth(150, 211) * 100).astype(np.float32)
    heights[:20] = -9999
    heights[60:75, 100:140] = -9999
    heights[rng.random(heights.shape) < 0.01] = -9999
    data = gdal(heights, "COG", nodata=-9999, blocksize=128, compress="deflate", predictor="yes",
                overview_count=2)
    case("cloud optimized, no data", data, levels=[[105, 75], [52, 37]], pages=1, cloud=True, nodata=-9999)
    color = (smooth(150, 211, 3) * 255).astype(np.uint8)
    mask = np.full((150, 211), 255, np.uint8)
    mask[:40, :50] = 0
    data = gdal(color, "COG", mask=mask, blocksize=128, compress="jpeg", overview_count=1)
    case("cloud optimized, mask", data, levels=[[105, 75]], masks=[[211, 150], [105, 75]], pages=1, cloud=True)
    data = gdal(color, "GTiff", mask=mask, overviews=[2, 4], tiled=True, blockxsize=64, blockysize=64, compress="zstd")
    case("overviews, mask", data, levels=[[106, 75], [53, 38]], masks=[[211, 150], [106, 75], [53, 38]], pages=1)


def tag_place(data, tag):
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        return tiff.pages[0].tags[tag].offset


def with_count(data, tag, count):
    data = bytearray(data)
    place = tag_place(bytes(data), tag) + 4
    data[place:place + 4] = struct.pack("<I", count)
    return bytes(data)


def make_kinds():
    indices = rng.integers(0, 16, (21, 34)).astype(np.uint8)
    colors = rng.integers(0, 256, (3, 256)).astype(np.uint8)
    palette = (colors.astype(np.uint16) * 257)
    rgb = np.moveaxis(colors[:, indices], 0, -1)
    plain = written(lambda t: t.write(indices, photometric="palette", colormap=palette, metadata=None))
    # As many colours as a third of the values are, whatever the bits say.
    for count, name in [(600, "short"), (768 - 3, "one colour short")]:
        third = np.frombuffer(palette.tobytes(), np.uint16)[:count].reshape(3, -1)
        samples = np.moveaxis((third[:, indices] >> 8).astype(np.uint8), 0, -1)
        case(f"palette, {name}", with_count(plain, 320, count), np.ascontiguousarray(samples))
    # Four bits, with a palette of 256 colours.
    packed = (indices[:, 0::2] << 4 | indices[:, 1::2]).astype(np.uint8)
    bits = bytearray(written(lambda t: t.write(packed, photometric="palette", colormap=palette, metadata=None)))
    for tag, value in [(256, 34), (258, 4)]:
        place = tag_place(bytes(bits), tag) + 8
        bits[place:place + 2] = struct.pack("<H", value)
    case("palette, 4 bits, 256 colours", bytes(bits), np.ascontiguousarray(rgb))
    # Alpha behind the index: written as gray with alpha, then called a palette.
    alpha = rng.integers(0, 256, indices.shape).astype(np.uint8)
    both = np.stack([indices, alpha], -1)
    for tile in (None, (16, 16)):
        data = bytearray(written(lambda t: t.write(
            both, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"], tile=tile, metadata=None,
            extratags=[(320, "H", 768, palette.ravel().tolist(), True)])))
        place = tag_place(bytes(data), 262) + 8
        data[place:place + 2] = struct.pack("<H", 3)
        case(f"palette, alpha, {'tiles' if tile else 'strips'}", bytes(data), np.concatenate([rgb, alpha[..., None]], -1))
    floats = rng.normal(0.5, 1, (40, 50)).astype(np.float32)
    for tile in (None, (16, 32)):
        for order in "<>":
            data = written(lambda t: t.write(floats, compression="zlib", predictor=3, tile=tile, metadata=None,
                                             rowsperstrip=None if tile else 16), byteorder=order)
            case(f"floats, predictor 3, {order}, {'tiles' if tile else 'strips'}", data, floats[..., None], keeps=True)
    cmyk = (smooth(40, 52, 4) * 255).astype(np.uint8)
    data = written(lambda t: t.write(cmyk, photometric="separated", compression="jpeg", tile=(32, 32), metadata=None))
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        case("cmyk jpeg", data, tiff.asarray(), tolerance=1, keeps=True)
    twelve = rng.integers(0, 4096, (40, 52)).astype(np.uint16)

    def pack12(values):
        pairs = values.reshape(values.shape[0], -1, 2)
        a, b = pairs[..., 0], pairs[..., 1]
        return np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], -1).astype(np.uint8).reshape(values.shape[0], -1)

    # libtiff's own layout of 12 bits: tiles of 16 × 32 pixels, each row 48 bytes.
    tiles = []
    padded = np.zeros((48, 64), np.uint16)
    padded[:40, :52] = twelve
    for y in range(0, 48, 16):
        for x in range(0, 64, 32):
            tiles.append(pack12(padded[y:y + 16, x:x + 32]).tobytes())
    case("12 bits in tiles", plain_tiles(tiles, 52, 40, 32, 16, 12),
         ((twelve.astype(np.uint32) * 65535 + 2047) // 4095).astype(np.uint16)[..., None], keeps=True)


def plain_tiles(tiles, width, height, tile_width, tile_height, bits):
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, bits), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1),
               (322, 3, 1, tile_width), (323, 3, 1, tile_height)]
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    data = start + 8 * len(tiles)
    entries += [(324, 4, len(tiles), start), (325, 4, len(tiles), start + 4 * len(tiles))]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, kind, count, value in entries:
        head += struct.pack("<HHI", tag, kind, count) + (struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value))
    head += struct.pack("<I", 0)
    places = np.cumsum([data] + [len(t) for t in tiles[:-1]])
    head += struct.pack(f"<{len(tiles)}I", *places) + struct.pack(f"<{len(tiles)}I", *map(len, tiles))
    return head + b"".join(tiles)


def halved(a):
    a = np.pad(a.astype(float), ((0, a.shape[0] % 2), (0, a.shape[1] % 2)) + ((0, 0),) * (a.ndim - 2), mode="edge")
    return (a[::2, ::2] + a[1::2, ::2] + a[::2, 1::2] + a[1::2, 1::2]) / 4


def check(program):
    from rio_cogeo.cogeo import cog_validate

    failed = 0

    def expect(condition, name, what):
        nonlocal failed
        if not condition:
            failed += 1
            print(f"{name}: {what}")

    for c in cases:
        with tempfile.TemporaryDirectory() as folder:
            name, source, result = c["name"], folder + "/in.tif", folder + "/out.tif"
            with open(source, "wb") as file:
                file.write(base64.b64decode(c["file"]))
            run = subprocess.run([program, "median", "--radius", "0", source, "-o", result], capture_output=True, text=True)
            expect(run.returncode == 0 and not run.stderr, name, run.stderr)
            with tifffile.TiffFile(source) as old, tifffile.TiffFile(result) as new:
                if "levels" in c and name != "hamamatsu":
                    was, now = ([(s.axes, s.shape, [l.shape for l in s.levels]) for s in f.series] for f in (old, new))
                    expect(was == now, name, f"was {was}, is {now}")
                    lossy = new.pages[0].compression == 7
                    picture = new.series[0].levels[0].asarray()
                    for level in new.series[0].levels[1:] if not lossy and not c.get("nodata") and c["pages"] == 1 else []:
                        got = level.asarray()
                        while picture.shape[0] > 1.5 * got.shape[0]:
                            picture = halved(picture)
                        expect(np.abs(picture[:got.shape[0], :got.shape[1]] - got).max() <= 1, name, "a level is no mean")
                elif "samples" in c and "alpha" not in name and new.pages[0].compression != 7 and new.pages[0].bitspersample != 12:
                    want = np.frombuffer(base64.b64decode(c["samples"]), c["type"]).reshape(c["height"], c["width"], -1)
                    got = new.asarray().reshape(want.shape)
                    expect(np.array_equal(got, want), name, "samples differ")
            if c.get("cloud"):
                valid, errors, warned = cog_validate(result, strict=True, quiet=True)
                expect(valid and not errors and not warned, name, f"{errors} {warned}")
                with rasterio.open(source) as a, rasterio.open(result) as b:
                    for what in ("transform", "crs", "nodata", "mask_flag_enums"):
                        expect(getattr(a, what) == getattr(b, what), name, what)
                    expect(np.array_equal(a.dataset_mask(), b.dataset_mask()), name, "mask")
                    expect(b.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG", name, "layout")
    print(f"{len(cases)} files, {failed} failures")
    return failed > 0


make_pyramids()
make_rasters()
make_kinds()
if len(sys.argv) == 3 and sys.argv[1] == "--check":
    sys.exit(check(os.path.abspath(sys.argv[2])))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "levels.jsonl"), "w") as file:
    for c in cases:
        file.write(json.dumps(c) + "\n")
