#!/usr/bin/env python3
"""Makes formats.jsonl: one small file a line of each kind that imbrex reads, with the samples that it holds.

    make_formats.py                    writes formats.jsonl beside this script
    make_formats.py --check IMBREX     runs the program on all of them and reads what it writes with tifffile and Pillow

Needs numpy, tifffile, imagecodecs and Pillow. The samples come from the arrays that the files were made of or, where a
codec loses something, from an independent decoder.
"""
import base64, io, json, os, struct, subprocess, sys, tempfile, zlib

import numpy as np
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin

rng = np.random.default_rng(20)
H, W = 11, 13


def noise(dtype, *shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(0.5, 1, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, endpoint=True, dtype=dtype)


def smooth(channels):
    y, x = np.mgrid[0:32, 0:24]
    planes = [128 + 100 * np.sin((x + 3 * c) / 9) * np.cos((y + c) / 7) for c in range(channels)]
    picture = np.stack(planes, -1).astype(np.uint8)
    return picture[..., 0] if channels == 1 else picture


def in_memory(samples):
    """Samples as imbrex holds them."""
    t = samples.dtype
    if t == np.bool_:
        return (samples * 255).astype(np.uint8)
    if t in (np.int8, np.int16):
        return (samples.astype(np.float32) / np.float32(np.iinfo(t).max)).astype(np.float32)
    if t in (np.int32, np.uint32):
        return samples / float(np.iinfo(t).max)
    if t == np.float16:
        return samples.astype(np.float32)
    return samples


cases = []


def case(name, data, samples, color=None, alpha="none", extra=0, tolerance=0, lossless=True, **about):
    samples = in_memory(np.asarray(samples))
    if samples.ndim == 2:
        samples = samples[..., None]
    channels = samples.shape[2]
    color = color or ("gray" if channels - extra - (alpha != "none") == 1 else "rgb")
    cases.append(dict(
        name=name, file=base64.b64encode(data).decode(), width=samples.shape[1], height=samples.shape[0],
        color=color, alpha=alpha, extra=extra, type=samples.dtype.name, tolerance=tolerance, lossless=lossless,
        samples=base64.b64encode(np.ascontiguousarray(samples).astype(samples.dtype.newbyteorder("<")).tobytes()).decode(),
        **about))


# MARK: PNG

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack(values, depth):
    """Rows of samples, packed as PNG has them."""
    rows = values.reshape(values.shape[0], -1)
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in rows]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in rows]
    bits = (rows[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]


def filtered(rows, unit):
    """Rows with filter types one after the other."""
    out, above = b"", None
    for number, row in enumerate(rows):
        kind = number % 5
        above_row = above or bytes(len(row))
        coded = bytearray()
        for i, value in enumerate(row):
            a = row[i - unit] if i >= unit else 0
            b, c = above_row[i], above_row[i - unit] if i >= unit else 0
            p = a + b - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            coded.append((value - (0, a, b, (a + b) // 2, near)[kind]) & 255)
        out += bytes([kind]) + bytes(coded)
        above = row
    return out


def png(values, color_type, depth, interlaced=False, before=b"", after=b"", split=None):
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color_type]
    values = values.reshape(values.shape[0], values.shape[1], samples)
    unit = max(samples * depth // 8, 1)
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [values[y::dy, x::dx] for y, x, dy, dx in passes]
        raw = b"".join(filtered(pack(p, depth), unit) for p in parts if p.size)
    else:
        raw = filtered(pack(values, depth), unit)
    body = zlib.compress(raw, 9)
    pieces = [body[i:i + split] for i in range(0, len(body), split)] if split else [body]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, color_type, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before
            + b"".join(chunk(b"IDAT", p) for p in pieces) + after + chunk(b"IEND", b""))


def widened(values, depth):
    if depth == 16:
        return values.astype(np.uint16)
    return (values.astype(np.uint16) * 255 // (2 ** depth - 1)).astype(np.uint8)


def make_png():
    for interlaced in (False, True):
        suffix = " interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8, 16):
            v = rng.integers(0, 2 ** depth, (H, W))
            case(f"png gray {depth}{suffix}", png(v, 0, depth, interlaced), widened(v, depth))
            key = int(v[0, 0])
            trns = chunk(b"tRNS", struct.pack(">H", key))
            opaque = np.where(v == key, 0, 65535 if depth == 16 else 255)
            case(f"png gray {depth} tRNS{suffix}", png(v, 0, depth, interlaced, trns),
                 np.dstack([widened(v, depth), opaque.astype(np.uint16 if depth == 16 else np.uint8)]), alpha="straight")
            if depth == 16:
                continue
            palette = rng.integers(0, 256, (2 ** depth, 3)).astype(np.uint8)
            plte = chunk(b"PLTE", palette.tobytes())
            case(f"png palette {depth}{suffix}", png(v, 3, depth, interlaced, plte), palette[v])
            alphas = rng.integers(0, 256, max(2 ** depth // 2, 1)).astype(np.uint8)
            table = np.full(2 ** depth, 255, np.uint8)
            table[:len(alphas)] = alphas
            case(f"png palette {depth} tRNS{suffix}", png(v, 3, depth, interlaced, plte + chunk(b"tRNS", alphas.tobytes())),
                 np.dstack([palette[v], table[v]]), alpha="straight")
        for depth in (8, 16):
            t = np.uint8 if depth == 8 else np.uint16
            for color_type, samples, alpha in ((2, 3, False), (4, 2, True), (6, 4, True)):
                v = noise(t, H, W, samples)
                case(f"png type {color_type} {depth}{suffix}", png(v, color_type, depth, interlaced), v,
                     alpha="straight" if alpha else "none")
            v = noise(t, H, W, 3)
            trns = chunk(b"tRNS", struct.pack(">3H", *[int(s) for s in v[1, 1]]))
            full = np.iinfo(t).max
            opaque = np.where((v == v[1, 1]).all(-1), 0, full).astype(t)
            case(f"png rgb {depth} tRNS{suffix}", png(v, 2, depth, interlaced, trns), np.dstack([v, opaque]), alpha="straight")
    for size in list(range(1, 10)) + [31, 32, 33, 40]:
        for interlaced in (False, True):
            v = noise(np.uint8, size, size)
            case(f"png {size} x {size}{' interlaced' if interlaced else ''}", png(v, 0, 8, interlaced), v)
    v = noise(np.uint8, H, W, 3)
    case("png IDAT of one byte each", png(v, 2, 8, split=1), v)
    notes = (chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", struct.pack(">8I", *range(30000, 38000, 1000)))
             + chunk(b"sBIT", bytes([8, 7, 6])) + chunk(b"bKGD", struct.pack(">3H", 1, 2, 3))
             + chunk(b"pHYs", struct.pack(">IIB", 11811, 5905, 1)) + chunk(b"tIME", bytes([7, 228, 1, 2, 3, 4, 5]))
             + chunk(b"tEXt", b"Title\0a title") + chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"somebody"))
             + chunk(b"iTXt", b"Comment\0\0\0de\0\0Gr\xc3\xbc\xc3\x9fe") + chunk(b"eXIf", exif(6)))
    case("png with notes", png(v, 2, 8, before=notes, after=chunk(b"tEXt", b"Comment\0behind")), v, orientation=6,
         notes=["gAMA", "cHRM", "sBIT", "bKGD", "tIME", "tEXt", "zTXt", "iTXt", "eXIf"])
    case("png sRGB", png(v, 2, 8, before=chunk(b"sRGB", b"\0")), v, notes=["sRGB"])
    icc = b"name\0\0" + zlib.compress(profile())
    case("png iCCP", png(v, 2, 8, before=chunk(b"iCCP", icc)), v, profile=len(profile()))


# MARK: JPEG

def profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation):
    e = Image.Exif()
    e[271], e[274], e[306] = "Maker", orientation, "2020:01:02 03:04:05"
    details = e.get_ifd(0x8769)
    details[33434] = TiffImagePlugin.IFDRational(1, 250)
    details[37510] = b"ASCII\0\0\0hello"
    place = e.get_ifd(0x8825)
    place[1] = "N"
    place[2] = tuple(TiffImagePlugin.IFDRational(n, 1) for n in (47, 30, 12))
    return e.tobytes()[6:]


def jpeg(picture, **options):
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **options)
    return stream.getvalue()


def decoded(data):
    return np.array(Image.open(io.BytesIO(data)))


def make_jpeg():
    for channels, mode in ((1, "L"), (3, "RGB"), (4, "CMYK")):
        picture = Image.fromarray(smooth(channels), mode)
        for progressive in (False, True):
            for sampling in ((0, 1, 2) if mode == "RGB" else (None,)):
                options = dict(quality=83, progressive=progressive)
                if sampling is not None:
                    options["subsampling"] = sampling
                data = jpeg(picture, **options)
                samples = decoded(data)
                # Pillow leaves Adobe's inverted inks as they are in the file.
                case(f"jpeg {mode} {sampling} {'progressive' if progressive else 'baseline'}", data, samples,
                     color={"L": "gray", "RGB": "rgb", "CMYK": "cmyk"}[mode], tolerance=3, lossless=False, quality=83)
    picture = Image.fromarray(smooth(3))
    data = jpeg(picture, quality=90, restart_marker_blocks=2)
    case("jpeg restart markers", data, decoded(data), tolerance=3, lossless=False, quality=90)
    data = jpeg(picture, quality=90, keep_rgb=True)
    case("jpeg RGB", data, decoded(data), tolerance=3, lossless=False, quality=90)
    data = jpeg(picture, quality=75, exif=b"Exif\0\0" + exif(8), icc_profile=profile(), dpi=(300, 200), comment=b"a comment")
    case("jpeg with notes", data, decoded(data), tolerance=3, lossless=False, quality=75, orientation=8,
         notes=["exif", "comment"], profile=len(profile()))
    for name, options in (("arithmetic", ["-arithmetic"]), ("arithmetic progressive", ["-arithmetic", "-progressive"]),
                          ("4:1:1", ["-sample", "4x1"]), ("4:4:0", ["-sample", "1x2"])):
        stream = io.BytesIO()
        picture.save(stream, "PPM")
        try:
            data = subprocess.run(["cjpeg", "-quality", "80", *options], input=stream.getvalue(), capture_output=True, check=True).stdout
            plain = subprocess.run(["djpeg", "-nosmooth" if 0 else "-dct", "int"], input=data, capture_output=True, check=True).stdout
        except FileNotFoundError:
            sys.exit("cjpeg and djpeg of libjpeg-turbo are needed")
        case(f"jpeg {name}", data, decoded(plain), tolerance=3, lossless=False, quality=80)


# MARK: TIFF

def tiff(samples, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, metadata=None, **options)
    return stream.getvalue()


def ycbcr_tiff(h, v):
    """Subsampled colour without compression (TIFF 6.0, section 21), which tifffile does not write."""
    picture = smooth(3)
    planes = np.array(Image.fromarray(picture).convert("YCbCr")).astype(int)
    height, width = planes.shape[:2]
    padded = np.pad(planes, ((0, -height % v), (0, -width % h), (0, 0)), "edge")
    data = bytearray()
    for y in range(0, padded.shape[0], v):
        for x in range(0, padded.shape[1], h):
            block = padded[y:y + v, x:x + h]
            data += bytes(block[..., 0].reshape(-1).tolist())
            data += bytes([int(block[..., 1].mean() + 0.5), int(block[..., 2].mean() + 0.5)])
    extra = 8 + 2 + 12 * 10 + 4
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, extra), (259, 3, 1, 1), (262, 3, 1, 6),
               (273, 4, 1, extra + 6), (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data)), (530, 3, 2, h | v << 16)]
    directory = struct.pack("<H", 10) + b"".join(struct.pack("<HHII", *e) for e in entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<3H", 8, 8, 8) + bytes(data), picture


def make_tiff():
    types = [np.uint8, np.uint16, np.uint32, np.int8, np.int16, np.int32, np.float16, np.float32, np.float64]
    for t in types:
        name = np.dtype(t).name
        gray, rgb = noise(t, H, W), noise(t, 18, 35, 3)
        for order in "<>":
            for big in (False, True):
                case(f"tiff {name} {'little' if order == '<' else 'big'}-endian{' BigTIFF' if big else ''}",
                     tiff(gray, byteorder=order, bigtiff=big, photometric="minisblack"), gray)
        small = noise(t, 9, 12, 3)
        for compression in ("none", "lzw", "deflate", "packbits", "zstd", "lzma"):
            for predictor in ((False,) if compression in ("none", "packbits") else (False, True)):
                case(f"tiff {name} {compression}{' predictor' if predictor else ''}",
                     tiff(small, compression=compression, predictor=predictor, photometric="rgb", rowsperstrip=7), small)
        case(f"tiff {name} tiles", tiff(rgb, tile=(16, 16), compression="deflate", photometric="rgb"), rgb)
        planes = np.moveaxis(small, -1, 0)
        case(f"tiff {name} planar", tiff(planes, planarconfig="separate", photometric="rgb"), small)
        case(f"tiff {name} planar tiles big-endian",
             tiff(planes, planarconfig="separate", photometric="rgb", tile=(16, 16), compression="lzw", predictor=True,
                  byteorder=">"), small)
        five = noise(t, H, W, 5)
        case(f"tiff {name} 5 bands", tiff(five, photometric="minisblack", planarconfig="contig"), five, color="gray", extra=4)
        case(f"tiff {name} 5 planes", tiff(np.moveaxis(five, -1, 0), photometric="minisblack", planarconfig="separate"),
             five, color="gray", extra=4)
        if np.dtype(t).kind == "u":
            white = np.iinfo(t).max - gray
            case(f"tiff {name} min-is-white", tiff(gray, photometric="miniswhite"), white)
    for t in (np.uint8, np.uint16):
        name = np.dtype(t).name
        inks = noise(t, H, W, 4)
        case(f"tiff {name} CMYK", tiff(inks, photometric="separated"), inks, color="cmyk")
        lab = noise(t, H, W, 3)
        offset = lab.copy()
        offset[..., 1:] ^= 1 << (8 * lab.itemsize - 1)
        case(f"tiff {name} CIELab", tiff(lab, photometric="cielab"), offset, color="lab")
        straight = noise(t, H, W, 4)
        case(f"tiff {name} unassociated alpha", tiff(straight, photometric="rgb", extrasamples=["unassalpha"]), straight,
             color="rgb", alpha="straight")
        straight = noise(t, H, W, 4)
        case(f"tiff {name} associated alpha", tiff(straight, photometric="rgb", extrasamples=["assocalpha"]), straight,
             color="rgb", alpha="premultiplied")
        case(f"tiff {name} a band that is not alpha", tiff(straight, photometric="rgb", extrasamples=["unspecified"]),
             straight, color="rgb", extra=1)
        two = noise(t, H, W, 5)
        case(f"tiff {name} alpha before a band", tiff(two, photometric="rgb", extrasamples=["unassalpha", "unspecified"]),
             two[..., [0, 1, 2, 4, 3]], color="rgb", extra=1, alpha="straight")
    twelve = rng.integers(0, 4096, (H, W)).astype(np.uint16)
    case("tiff 12 bits", tiff(twelve, photometric="minisblack", bitspersample=12),
         ((twelve.astype(np.uint32) * 65535 + 2047) // 4095).astype(np.uint16))
    bilevel = rng.integers(0, 2, (H, W)).astype(bool)
    case("tiff bilevel", tiff(bilevel, photometric="minisblack"), bilevel)
    case("tiff bilevel min-is-white", tiff(bilevel, photometric="miniswhite"), ~bilevel)
    for compression in ("group3", "group4", "tiff_ccitt"):
        stream = io.BytesIO()
        Image.fromarray(bilevel).save(stream, "TIFF", compression=compression)
        case(f"tiff {compression}", stream.getvalue(), bilevel)
    for bits in (2, 4):
        v = rng.integers(0, 2 ** bits, (H, W)).astype(np.uint8)
        case(f"tiff {bits} bits", tiff(v, photometric="minisblack", bitspersample=bits), widened(v, bits))
    colors = rng.integers(0, 65536, (3, 256)).astype(np.uint16)
    index = noise(np.uint8, H, W)
    case("tiff palette", tiff(index, photometric="palette", colormap=colors), np.moveaxis((colors >> 8).astype(np.uint8)[:, index], 0, -1))
    for h, v in ((1, 1), (2, 1), (2, 2), (4, 2)):
        data, picture = ycbcr_tiff(h, v)
        case(f"tiff YCbCr {h} x {v}", data, picture, tolerance=14 if h * v > 1 else 4)
    for photometric, channels in (("minisblack", 1), ("rgb", 3), ("ycbcr", 3)):
        picture = smooth(channels)
        data = tiff(picture, photometric=photometric, compression="jpeg", compressionargs={"level": 90})
        case(f"tiff jpeg {photometric}", data, decoded(data), tolerance=5, lossless=False, quality=90)
    for order in "<>":
        v = noise(np.uint8, H, W, 3)
        data = tiff(v, photometric="rgb", byteorder=order, description="some text", software="made by hand",
                    resolution=(120, 60), resolutionunit="CENTIMETER", iccprofile=profile(),
                    extratags=[(274, "H", 1, 5, True), (33550, "d", 3, (1.0, 2.0, 0.0), True), (42113, "s", 0, "-9999", True),
                               (65000, "H", 3, (1, 2, 3), True), (65001, "i", 1, -7, True), (65002, "B", 5, b"abcde", True),
                               (700, "B", 5, b"<xmp>", True)])
        case(f"tiff with notes {order}", data, v, orientation=5, profile=len(profile()),
             notes=["270", "305", "33550", "42113", "65000", "65001", "65002", "700"])


make_png()
make_jpeg()
make_tiff()


# MARK: Checking what the program writes

def read_back(path, like):
    """The samples of a file as imbrex would hold them, read without it."""
    if like["name"].startswith("tiff"):
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            samples = page.asarray()
            if samples.ndim == 3 and page.planarconfig == 2:
                samples = np.moveaxis(samples, 0, -1)
            if page.bitspersample == 12:
                samples = ((samples.astype(np.uint32) * 65535 + 2047) // 4095).astype(np.uint16)
            if page.photometric == 0:
                samples = np.iinfo(samples.dtype).max - samples
            if page.photometric == 8:
                samples = samples.copy()
                samples[..., 1:] ^= 1 << (8 * samples.itemsize - 1)
            kinds = [int(k) for k in page.extrasamples]
            if like["extra"] and like["alpha"] != "none":
                samples = samples[..., [0, 1, 2, 4, 3]]
            return in_memory(samples), kinds
    picture = Image.open(path)
    samples = np.array(picture)
    return samples, None


def check(program):
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for c in cases:
            if c["type"] == "uint16" and c["name"].startswith("png") and c["color"] == "rgb" or "type 4 16" in c["name"] or "gray 16 tRNS" in c["name"]:
                continue  # Pillow reads them with 8 bits.
            kind = c["name"].split()[0]
            source = os.path.join(folder, f"in.{kind}")
            target = os.path.join(folder, f"out.{kind}")
            with open(source, "wb") as file:
                file.write(base64.b64decode(c["file"]))
            # Neither changes a sample.
            run = subprocess.run([program, "median", "--radius", "0", source, "-o", target], capture_output=True, text=True)
            problem = run.stderr.strip() if run.returncode or run.stderr else ""
            if not problem:
                want = np.frombuffer(base64.b64decode(c["samples"]), np.dtype(c["type"])).reshape(c["height"], c["width"], -1)
                got, kinds = read_back(target, c)
                got = got.reshape(want.shape) if got.size == want.size else got
                if c["alpha"] == "straight":  # What is under no alpha is gone.
                    want = np.where(want[..., -1:] == 0, 0, want)
                    if kind == "tiff":
                        got = np.where(got[..., -1:] == 0, 0, got)
                if got.shape != want.shape or got.dtype != want.dtype:
                    problem = f"{got.shape} {got.dtype} instead of {want.shape} {want.dtype}"
                elif np.abs(got.astype(float) - want.astype(float)).max() > (0 if c["lossless"] and not c["tolerance"] else 16):
                    problem = f"samples differ by {np.abs(got.astype(float) - want.astype(float)).max()}"
            if problem:
                bad += 1
                print(f"{c['name']}: {problem}")
    print(f"{len(cases)} files, {bad} wrong")
    return bad


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        sys.exit(1 if check(sys.argv[2]) else 0)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats.jsonl"), "w") as file:
        for c in cases:
            file.write(json.dumps(c) + "\n")
    print(f"{len(cases)} files")
