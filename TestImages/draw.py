#!/usr/bin/env python3
"""Draws the pictures in this folder (README.md says what each is for).

Needs numpy, Pillow and tifffile. Everything is seeded and dates are left out, so a second run
with the same versions writes the same bytes.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFont

FOLDER = pathlib.Path(__file__).resolve().parent


# ---------------------------------------------------------------- helpers


def generator(seed):
    """Random numbers of one picture; a picture's own seed keeps it as it is when others change."""
    return np.random.default_rng(seed)


def to_8_bit(unit):
    """Values in [0, 1] as uint8, rounded and clipped."""
    return np.floor(np.clip(unit, 0, 1) * 255 + 0.5).astype(np.uint8)


def mix(a, b, t):
    """From a (t = 0) to b (t = 1), channel by channel."""
    t = np.asarray(t)[..., None]
    return np.asarray(a) * (1 - t) + np.asarray(b) * t


def smoothstep(low, high, x):
    """0 below low, 1 above high, and a soft step between them."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def value_noise(height, width, cell_height, cell_width, rng):
    """Smooth noise in [0, 1]: random values on a coarse grid, interpolated with a soft step."""
    rows, columns = int(height / cell_height) + 2, int(width / cell_width) + 2
    grid = rng.random((rows, columns))
    y, x = np.arange(height) / cell_height, np.arange(width) / cell_width
    iy, ix = y.astype(int), x.astype(int)
    ty, tx = smoothstep(0, 1, y - iy)[:, None], smoothstep(0, 1, x - ix)[None, :]
    top = grid[np.ix_(iy, ix)] * (1 - tx) + grid[np.ix_(iy, ix + 1)] * tx
    bottom = grid[np.ix_(iy + 1, ix)] * (1 - tx) + grid[np.ix_(iy + 1, ix + 1)] * tx
    return top * (1 - ty) + bottom * ty


def fractal_noise(height, width, cell, octaves, rng, stretch=1.0, gain=0.5):
    """Octaves of value noise in [0, 1]; stretch > 1 makes features wider than high."""
    total, weight, sum_of_weights = np.zeros((height, width)), 1.0, 0.0
    for octave in range(octaves):
        size = cell / 2**octave
        total += weight * value_noise(height, width, size, size * stretch, rng)
        sum_of_weights += weight
        weight *= gain
    return total / sum_of_weights


def png_chunk(kind, data):
    """One PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(header, data):
    """A PNG of an IHDR body and unfiltered, uncompressed scan lines."""
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(data, 9)) + png_chunk(b"IEND", b"")


def save(name, picture, **options):
    """Writes a Pillow image, or an array as one."""
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image.save(FOLDER / name, **options)


def save_tiff(name, picture, **options):
    """Writes a TIFF without date or program name."""
    tifffile.imwrite(FOLDER / name, picture, metadata=None, software=False, **options)


# ---------------------------------------------------------------- the photograph


def landscape(height=384, width=512):
    """A mountain lake at sunset as float RGB: sky, sun, three ranges, water, firs and a meadow."""
    rng = generator(2024)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    horizon = 0.60 * height
    sun_y, sun_x = 0.405 * height, 0.64 * width

    # Sky: three colours from the zenith down, and the glow of the sun.
    up = np.clip(y / horizon, 0, 1)
    sky = mix([0.16, 0.30, 0.55], [0.55, 0.66, 0.78], smoothstep(0.0, 0.62, up))
    sky = mix(sky, [0.99, 0.80, 0.58], smoothstep(0.45, 1.0, up) * 0.9)
    distance = np.hypot(y - sun_y, (x - sun_x) * 0.85)
    sky += np.exp(-distance / 75)[..., None] * [0.42, 0.26, 0.06]
    # Clouds: stretched noise, lit from the sun's side.
    field = fractal_noise(height, width, 46, 6, rng, stretch=3.2, gain=0.55)
    lit = field - np.roll(np.roll(field, -5, axis=0), -6, axis=1)
    cover = smoothstep(0.50, 0.70, field - 0.10 * np.abs(up - 0.42)) * (1 - smoothstep(0.72, 0.98, up))
    shade = np.clip(0.62 + 2.6 * lit, 0, 1)
    cloud = mix([0.55, 0.52, 0.62], [1.0, 0.90, 0.80], shade)
    cloud += np.exp(-distance / 120)[..., None] * [0.20, 0.07, -0.03]
    scene = mix(sky, cloud, cover * 0.85)
    # The sun's disc.
    scene = mix(scene, [1.0, 0.97, 0.86], smoothstep(15.5, 13.5, np.hypot(y - sun_y, x - sun_x)))

    # Ranges, the farther the paler and bluer.
    ranges = [(0.475, 0.120, 105, [0.50, 0.52, 0.66], 0.16), (0.545, 0.085, 74, [0.32, 0.38, 0.50], 0.30),
              (0.595, 0.055, 46, [0.17, 0.26, 0.29], 0.42)]
    for level, amplitude, cell, colour, contrast in ranges:
        line = fractal_noise(1, width, cell, 7, rng, gain=0.52)[0]
        crest = (level + amplitude * (0.5 - line) * 2.2) * height
        ridged = np.abs(fractal_noise(height, width, 30, 6, rng, gain=0.58) - 0.5) * 2
        slope = ridged - np.roll(ridged, -3, axis=1)
        depth = np.clip((y - crest) / (0.16 * height), 0, 1)
        surface = mix(colour, np.array(colour) * [1.5, 1.22, 0.98], np.clip(0.35 + 3.2 * contrast * slope * 2.4, 0, 1))
        surface = mix(surface, [0.88, 0.72, 0.62], depth * 0.42)
        # Snow on the highest parts of the farthest range.
        if level < 0.5:
            snow = smoothstep(0.44, 0.39, y / height + 0.06 * (ridged - 0.4))
            surface = mix(surface, [0.95, 0.89, 0.90], snow * 0.8 * np.clip(0.6 + 5 * slope, 0, 1))
        scene = mix(scene, surface, smoothstep(-0.7, 0.7, y - crest))

    # A far shore with woods, then the lake: the mirrored scene, broken by waves that grow nearer.
    shore = horizon + 3 + 5 * (fractal_noise(1, width, 120, 3, rng)[0] - 0.5)
    woods = shore - 5 - 11 * fractal_noise(1, width, 9, 4, rng, gain=0.7)[0] * smoothstep(0.35, 0.6, fractal_noise(1, width, 90, 2, rng)[0])
    bark = fractal_noise(height, width, 5, 3, rng)
    scene = mix(scene, mix([0.06, 0.11, 0.09], [0.20, 0.25, 0.15], bark), smoothstep(-0.6, 0.6, y - woods))
    nearness = np.clip((y - shore) / (height - shore), 0, 1)
    ripple = fractal_noise(height, width, 5, 4, rng, stretch=9) - 0.5
    swell = fractal_noise(height, width, 15, 3, rng, stretch=6) - 0.5
    mirror_y = 2 * shore - y + (ripple * 26 + swell * 22) * (0.12 + nearness)
    mirror_x = x + ripple * 7
    iy = np.clip(np.round(mirror_y), 0, height - 1).astype(int)
    ix = np.clip(np.round(mirror_x), 0, width - 1).astype(int)
    water = scene[iy, ix] * [0.80, 0.86, 0.90]
    water = mix(water, [0.09, 0.19, 0.27], 0.12 + 0.45 * nearness * (0.5 + ripple))
    column = np.exp(-((x - sun_x) ** 2) / (2 * (10 + 46 * nearness) ** 2))
    glint = smoothstep(0.06, 0.20, ripple + 0.08 * swell) * column * (1 - 0.35 * nearness)
    water += glint[..., None] * [0.70, 0.50, 0.26]
    scene = mix(scene, water, smoothstep(-0.5, 0.9, y - shore))

    # A meadow in front, of thousands of blades drawn from back to front.
    bank = (0.905 - 0.10 * smoothstep(0.50, 0.0, x[0] / width) - 0.045 * smoothstep(0.62, 1.0, x[0] / width)) * height
    bank = bank + 10 * (fractal_noise(1, width, 60, 4, rng)[0] - 0.5)
    soil = fractal_noise(height, width, 8, 4, rng)
    scene = mix(scene, mix([0.07, 0.11, 0.05], [0.20, 0.25, 0.10], soil), smoothstep(-1, 1, y - bank))
    scale = 3
    canvas = Image.fromarray(to_8_bit(scene)).resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    roots = np.sort(rng.random(5200)) ** 0.8
    for depth in roots:
        root_x = rng.uniform(-5, width + 5)
        ground = bank[int(np.clip(root_x, 0, width - 1))]
        root_y = ground + depth * (height + 14 - ground)
        length = (5 + 21 * depth) * rng.uniform(0.5, 1.15)
        lean = rng.normal(0.12, 0.30) * length
        warm = np.exp(-abs(root_x - sun_x) / 170) * rng.uniform(0.3, 1.0)
        green = np.array([0.13, 0.22, 0.07]) * rng.uniform(0.5, 1.5) + warm * np.array([0.30, 0.24, 0.05]) * rng.uniform(0.2, 1)
        colour = tuple(int(c) for c in to_8_bit(green))
        half = scale * (0.45 + 0.65 * depth)
        points = [(root_x * scale - half, root_y * scale), (root_x * scale + half, root_y * scale),
                  ((root_x + 0.45 * lean) * scale + half * 0.5, (root_y - 0.6 * length) * scale),
                  ((root_x + lean) * scale, (root_y - length) * scale),
                  ((root_x + 0.45 * lean) * scale - half * 0.5, (root_y - 0.6 * length) * scale)]
        draw.polygon(points, fill=colour)
    for _ in range(120):
        flower_x, depth = rng.uniform(0, width), rng.uniform(0.1, 0.9)
        ground = bank[int(flower_x)]
        flower_y, size = ground + depth * (height - ground) - 8, scale * (0.7 + 1.3 * depth)
        colour = [(236, 214, 120), (224, 120, 88), (240, 232, 224), (172, 128, 190)][rng.integers(4)]
        draw.ellipse([flower_x * scale - size, flower_y * scale - size, flower_x * scale + size, flower_y * scale + size], fill=colour)

    # Firs on the left bank and one on the right: boughs drawn as leaning strokes, denser and darker inside.
    firs = [(0.035, 0.86, 0.50), (0.205, 0.86, 0.40), (0.115, 0.90, 0.66), (0.275, 0.885, 0.235), (0.945, 0.885, 0.42),
            (0.885, 0.888, 0.24)]
    for place, foot, tall in firs:
        fir_x, foot_y, tall = place * width, foot * height, tall * height
        top = foot_y - tall
        draw.polygon([((fir_x - tall * 0.014) * scale, foot_y * scale), ((fir_x + tall * 0.014) * scale, foot_y * scale),
                      (fir_x * scale, (top + 4) * scale)], fill=(38, 28, 22))
        strokes = int(tall * 17)
        levels = np.sort(rng.random(strokes) ** 0.72)
        for level in levels:
            tier = 0.72 + 0.28 * np.cos(level * tall / 4.6) ** 2
            reach = tall * 0.185 * (0.03 + level) * tier * rng.uniform(0.15, 1.0)
            side = rng.choice([-1, 1])
            start_y = top + level * tall * 0.93
            end_x, end_y = fir_x + side * reach, start_y + reach * rng.uniform(0.18, 0.50)
            towards_sun = side * np.sign(sun_x - fir_x) > 0
            light = rng.uniform(0.4, 1.0) * (1.0 if towards_sun else 0.6) * (0.55 + 0.6 * reach / (tall * 0.185))
            colour = tuple(int(c) for c in to_8_bit(np.array([0.085, 0.135, 0.085]) * (0.55 + light) + (light**3) * np.array([0.15, 0.10, 0.01]) * towards_sun))
            draw.line([(fir_x + side * reach * 0.12) * scale, start_y * scale, end_x * scale, end_y * scale], fill=colour, width=scale)
            draw.line([end_x * scale, end_y * scale, (end_x + side * 2.2) * scale, (end_y - 1.4) * scale], fill=colour, width=2)

    # Birds, far away.
    for bird_x, bird_y, span in [(0.40, 0.175, 6.5), (0.435, 0.155, 5), (0.462, 0.182, 5.5), (0.50, 0.148, 4)]:
        cx, cy, half = bird_x * width * scale, bird_y * height * scale, span * scale
        draw.line([cx - half, cy - half * 0.35, cx - half * 0.45, cy - half * 0.5, cx, cy, cx + half * 0.5, cy - half * 0.55, cx + half, cy - half * 0.25],
                  fill=(52, 54, 70), width=4, joint="curve")

    scene = np.asarray(canvas.resize((width, height), Image.Resampling.LANCZOS)).astype(float) / 255
    # The camera: a little vignette, and the grain of a sensor.
    away = ((y / height - 0.5) ** 2 + (x / width - 0.5) ** 2) * 2
    scene = scene * (1 - 0.28 * away[..., None] ** 1.5)
    grain = rng.normal(0, 1, scene.shape) * 0.007 + rng.normal(0, 1, scene.shape[:2])[..., None] * 0.008
    return np.clip(scene + grain, 0, 1)


def draw_photo():
    photo = Image.fromarray(to_8_bit(landscape()))
    save("photo.png", photo, optimize=True)
    save("photo.jpg", photo, quality=92)
    return photo


# ---------------------------------------------------------------- other pictures with a meaning


def draw_cells(height=320, width=400, count=40):
    """Bright soft spots that keep apart, and cells.csv with their places and sizes."""
    rng = generator(7)
    y, x = np.mgrid[0:height, 0:width]
    unit = 0.10 + 0.05 * fractal_noise(height, width, 90, 3, rng)
    rows = []
    while len(rows) < count:
        sigma = rng.uniform(3.0, 9.0)
        cy, cx = rng.uniform(3 * sigma, height - 3 * sigma), rng.uniform(3 * sigma, width - 3 * sigma)
        if any(np.hypot(cy - r[0], cx - r[1]) < 2.6 * (sigma + r[2]) for r in rows):
            continue
        amplitude = rng.uniform(0.45, 0.75)
        rows.append((cy, cx, sigma, amplitude))
        unit += amplitude * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * sigma**2))
    # Photon noise grows with the light, the camera's own does not.
    unit = unit + rng.normal(0, 1, unit.shape) * np.sqrt(0.0004 * unit + 0.0001)
    save("cells.png", to_8_bit(unit), optimize=True)
    text = "y,x,sigma,amplitude\n" + "".join(f"{a:.3f},{b:.3f},{s:.3f},{h:.3f}\n" for a, b, s, h in sorted(rows))
    (FOLDER / "cells.csv").write_text(text, newline="\n")


def draw_shapes(size=320):
    """Edges at all angles, hard ones without any smoothing, and text."""
    y, x = np.mgrid[0:size, 0:size].astype(float)
    unit = np.full((size, size), 0.15)
    # A wheel of 18 spokes.
    dy, dx = y - 90, x - 90
    inside = np.hypot(dy, dx) < 72
    unit[inside] = np.where(np.floor(np.arctan2(dy, dx) / (np.pi / 18)) % 2 == 0, 0.95, 0.05)[inside]
    unit[np.hypot(dy, dx) < 14] = 0.5
    # Rectangles, each turned by another 15 degrees.
    for index in range(6):
        angle = np.radians(15 * index)
        cy, cx = 40 + 62 * (index // 3), 200 + 46 * (index % 3)
        u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        v = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        unit[(np.abs(u) < 17) & (np.abs(v) < 11)] = 0.45 + 0.1 * index
    # Rings, full and faint, and a star.
    distance = np.hypot(y - 245, x - 75)
    unit[(distance < 58) & (np.floor(distance / 8) % 2 == 0)] = 0.85
    unit[np.hypot(y - 175, x - 175) < 24] = 0.25
    unit[np.hypot(y - 175, x - 175) < 12] = 0.35
    image = Image.fromarray(to_8_bit(unit))
    draw = ImageDraw.Draw(image)
    angles = np.pi * np.arange(10) / 5 - np.pi / 2
    draw.polygon([(200 + r * np.cos(a), 255 + r * np.sin(a)) for a, r in zip(angles, [48, 19] * 5)], fill=230)
    draw.text((165, 4), "imbrex 0123", fill=255, font=ImageFont.load_default(size=14))
    draw.text((252, 195), "Edge", fill=255, font=ImageFont.load_default(size=26))
    draw.text((252, 235), "gjpqy", fill=90, font=ImageFont.load_default(size=20))
    draw.line([250, 300, 315, 270], fill=255, width=1)
    save("shapes.png", image, optimize=True)


def gradient(height=128, width=192):
    """Red grows to the right, green downwards, blue along the diagonal; one step in each."""
    y, x = np.mgrid[0:height, 0:width]
    red, green, blue = x / (width - 1), y / (height - 1), (x + y) / (height + width - 2)
    unit = np.stack([red, green, blue], axis=-1)
    unit[height // 2 :, width // 2 :] = 1 - unit[height // 2 :, width // 2 :]
    return to_8_bit(unit)


def transparent(size=128):
    """A soft disc and a hard bar; where nothing shows lie loud colours that must never bleed."""
    y, x = np.mgrid[0:size, 0:size].astype(float)
    distance = np.hypot(y - 54, x - 54)
    alpha = smoothstep(46, 30, distance)
    alpha = np.where((y > 92) & (y < 116) & (x > 12) & (x < 116), 1.0, alpha)
    colour = np.stack([0.9 - 0.5 * x / size, 0.35 + 0.4 * y / size, 0.3 + 0 * x], axis=-1)
    hidden = np.where(((x // 8 + y // 8) % 2 == 0)[..., None], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    rgb = np.where((alpha == 0)[..., None], hidden, colour)
    return to_8_bit(np.concatenate([rgb, alpha[..., None]], axis=-1))


def small_scene(photo, width=96, height=72):
    """The photograph, reduced."""
    return photo.resize((width, height), Image.Resampling.LANCZOS)


# ---------------------------------------------------------------- formats


def interlaced_png(rgb):
    """An 8-bit RGB PNG with Adam7 interlacing, which Pillow does not write (PNG specification, section 8.2)."""
    height, width = rgb.shape[:2]
    data = bytearray()
    for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
        for row in rgb[y0::dy, x0::dx]:
            if row.size:
                data += b"\0" + row.tobytes()
    return png_file(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1), bytes(data))


def draw_formats(photo):
    scene = small_scene(photo)
    rgb = np.asarray(scene)
    rng = generator(3)
    save("gradient.png", gradient(), optimize=True)
    noise = rng.integers(0, 65536, (96, 128), dtype=np.uint16)
    save("noise16.png", noise, optimize=True)

    # Values on both sides of [0, 1], with a flat part and a spike.
    unit = fractal_noise(60, 80, 20, 4, rng) * 14 - 5
    unit[10:20, 10:30], unit[45, 60] = 0.5, 1000.0
    save_tiff("float.tif", unit.astype(np.float32))

    save_tiff("rgb-strips-lzw.tif", rgb, photometric="rgb", compression="lzw", predictor=True, rowsperstrip=10, resolution=(300, 300))
    gray = np.asarray(scene.convert("L")).astype(np.uint16) * 257
    save_tiff("gray16-tiles-deflate.tif", gray, photometric="minisblack", compression="zlib", predictor=True, tile=(32, 32))
    bands = np.repeat(np.repeat(rng.integers(0, 256, (9, 6), dtype=np.uint8), 7, axis=0), 16, axis=1)
    save_tiff("packbits.tif", bands, photometric="minisblack", compression="packbits", rowsperstrip=16)

    save("transparent.png", transparent(), optimize=True)
    save("row.png", rng.integers(0, 256, (1, 300), dtype=np.uint8))
    save("column.png", rng.integers(0, 256, (300, 1, 3), dtype=np.uint8))
    save("pixel.png", np.array([[[200, 100, 50]]], dtype=np.uint8))
    save("palette.png", scene.quantize(24, method=Image.Quantize.MEDIANCUT), optimize=True)
    (FOLDER / "interlaced.png").write_bytes(interlaced_png(rgb[:67, :93]))
    y, x = np.mgrid[0:61, 0:83]
    save("gray1.png", Image.fromarray(((np.hypot(y - 30, x - 40) // 6) % 2 == 0) ^ (x > 55)))
    # Pillow's conversion leaves black empty; some black ink makes all four channels count.
    cmyk = np.asarray(scene.convert("CMYK")).copy()
    black = cmyk[..., :3].min(axis=-1)
    cmyk[..., :3] -= black[..., None]
    cmyk[..., 3] = black
    save("cmyk.jpg", Image.fromarray(cmyk, mode="CMYK"), quality=90)
    save("scene.ppm", scene)
    rgba = np.dstack([rgb, to_8_bit(np.linspace(0, 1, rgb.shape[1])[None, :].repeat(rgb.shape[0], 0))])[:40, :50]
    head = f"P7\nWIDTH {rgba.shape[1]}\nHEIGHT {rgba.shape[0]}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    (FOLDER / "scene.pam").write_bytes(head.encode() + rgba.tobytes())
    # PFM stores rows from the bottom up; the negative scale says little-endian.
    floats = (rgb[:40, :50].astype(np.float32) / np.float32(255)) ** np.float32(2.2) * np.float32(1.5)
    head = f"PF\n{floats.shape[1]} {floats.shape[0]}\n-1.0\n"
    (FOLDER / "scene.pfm").write_bytes(head.encode() + floats[::-1].astype("<f4").tobytes())


# ---------------------------------------------------------------- broken files


def draw_damaged():
    """Good files of this folder, broken in one way each."""
    folder = FOLDER / "damaged"
    folder.mkdir(exist_ok=True)
    plain = io.BytesIO()
    Image.open(FOLDER / "interlaced.png").save(plain, "PNG")
    plain = plain.getvalue()
    (folder / "truncated.png").write_bytes(plain[: len(plain) * 6 // 10])
    jpeg = io.BytesIO()
    Image.open(FOLDER / "scene.ppm").save(jpeg, "JPEG", quality=90)
    jpeg = jpeg.getvalue()
    (folder / "truncated.jpg").write_bytes(jpeg[: len(jpeg) * 6 // 10])
    # The directory stands first in this file, so that only samples are missing.
    tiff = (FOLDER / "rgb-strips-lzw.tif").read_bytes()
    (folder / "truncated.tif").write_bytes(tiff[: len(tiff) * 6 // 10])
    # One bit of the IDAT checksum is wrong.
    end = plain.rindex(b"IEND") - 4
    (folder / "crc.png").write_bytes(plain[: end - 1] + bytes([plain[end - 1] ^ 1]) + plain[end:])
    (folder / "empty.png").write_bytes(b"")
    (folder / "not-a-picture.png").write_bytes(b"This is text, whatever its name says.\n")
    (folder / "huge-header.png").write_bytes(png_file(struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0), bytes(64)))


def main():
    photo = draw_photo()
    draw_cells()
    draw_shapes()
    draw_formats(photo)
    draw_damaged()


if __name__ == "__main__":
    main()
