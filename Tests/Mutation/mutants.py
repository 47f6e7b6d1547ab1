"""What is broken, one at a time. Each line is wrong in a way that somebody could write, and that no crash gives away."""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    original: str  # The first place where it stands is changed.
    broken: str
    tests: str  # A filter for `swift test`: those that ought to notice.


KERNELS, SHIMS = "Sources/Kernels", "Sources/CodecShims"

MUTANTS = [
    # Kernels
    Mutant("luma-weight", f"{KERNELS}/convert_tmpl.h", "(OUT)0.7154", "(OUT)0.7152", "FixtureTests"),
    Mutant("store-nan", f"{KERNELS}/convert_tmpl.h", "value = value > 0.0f ? value : 0.0f;",
           "value = value < 0.0f ? 0.0f : value;", "LimitValueTests|NodataTests|FixtureTests"),
    Mutant("premultiply", f"{KERNELS}/convert_tmpl.h", "pixels[c] *= alpha;", "pixels[c] *= alpha > 0 ? 1 : 0;",
           "ChainTests|CommandTests|UnitTests|NodataTests|FixedPointGaussianTests"),
    Mutant("correlate-tap", f"{KERNELS}/correlate_tmpl.h", "for (size_t k = radius; k > 0; k--) {   ",
           "for (size_t k = radius; k > 1; k--) {   ", "FixtureTests"),
    Mutant("sobel-rounding", f"{KERNELS}/gradient_tmpl.h", "0x1p-5f) + 0.5f);", "0x1p-5f) + 0.45f);", "FixtureTests|BuildAgreementTests"),
    Mutant("thin-tie", f"{KERNELS}/canny_tmpl.h", "(b2 * w + b1 * (1.0 - w) <= here)", "(b2 * w + b1 * (1.0 - w) < here) ",
           "FixtureTests"),
    Mutant("strong-threshold", f"{KERNELS}/canny_tmpl.h", "(LOAD_MANY(m[1] + x) >= high)", "(LOAD_MANY(m[1] + x) > high)",
           "FixtureTests|LimitValueTests"),
    Mutant("median-nan", f"{KERNELS}/median_tmpl.h", "u.value != u.value ? INT32_MAX : key", "key", "FixtureTests|LimitValueTests"),
    Mutant("median-rank", f"{KERNELS}/median_histogram_tmpl.h", "wanted = KERNEL(chosen_rank)(window, count);",
           "wanted = KERNEL(chosen_rank)(window, count - 1);",
           "FixtureTests|NodataTests"),
    # Filters
    Mutant("mirror", "Sources/Pipeline/Boundary.swift", "return j >= n ? 2 * n - 2 - j : j", "return j >= n ? 2 * n - 1 - j : j",
           "FixtureTests"),
    Mutant("transfer-function", "Sources/Filters/Common/TransferFunction.swift", "value <= 0.04045 ? value / 12.92 : Float",
           "value <= 0.004045 ? value / 12.92 : Float", "OptionValueTests"),
    Mutant("pruning", "Sources/Filters/Blobs/Blob.swift", "> overlap else { continue }", ">= overlap else { continue }",
           "FixtureTests|UnitTests|SmallPictureTests"),
    # Plans
    Mutant("wrapped-blur", "Sources/Filters/Gaussian/Gaussian.swift", "boundary.y == .wrap && radiusY > 0 }",
           "boundary.y == .wrap && radiusY > 1 }", r"TilingTests|ChainTests|FixtureTests"),
    Mutant("memory-limit", "Sources/Pipeline/Plan.swift", "guard memory > tiling.maxMemory &&", "guard memory / 2 > tiling.maxMemory &&",
           "LimitValueTests|MessageTests"),
    Mutant("held-share", "Sources/Pipeline/Plan.swift", "{ tiling.maxMemory / max(held.count, 1) }", "{ tiling.maxMemory }",
           "LimitValueTests"),
    Mutant("shard", "Sources/Jobs/Shard.swift", "% UInt64(count) == UInt64(number - 1)", "% UInt64(count) == UInt64(number % count)",
           "ShardTests"),
    # Codecs
    Mutant("png-checksum", f"{SHIMS}/png_rows.c", "if (big_endian(bytes) == rows->crc) return codec_ok;",
           "if (big_endian(bytes) != 0) return codec_ok;", "BadInputTests|DamageMessageTests"),
    Mutant("pnm-rounding", f"{SHIMS}/pnm_read.c", "value * largest + maxval / 2", "value * largest", "StreamTests|FormatTests|UnitTests|LimitValueTests"),
    Mutant("pnm-large-sample", f"{SHIMS}/pnm_read.c", "if (row[i] > maxval) return false;", "if (row[i] > 255) return false;",
           "HostileFileTests|StreamTests|BadInputTests|DamageMessageTests"),
    Mutant("tiff-last-bits", f"{SHIMS}/tiff_samples.c", "if (held > 0) *packed =", "if (held > 7) *packed =", "FormatTests"),
    Mutant("half-rounding", f"{SHIMS}/halve.c", "+ (d) + 2) >> 2)", "+ (d) + 1) >> 2)", "LevelTests"),
    Mutant("jpeg-quality", f"{SHIMS}/jpeg_quality.c", "5000 / quality", "4000 / quality", "OptionValueTests|FormatTests"),
    Mutant("orientation", "Sources/Pictures/TurnedPicture.swift", "case 7: (picture.row(lastY) + (lastX - y) * size, -picture.stride)",
           "case 7: (picture.row(0) + (lastX - y) * size, picture.stride)", "OptionValueTests"),
    Mutant("npy-byte-order", f"{SHIMS}/npy_read.c", "array->number_bytes > 1 && array->is_big_endian",
           "array->number_bytes > 2 && array->is_big_endian", "NPYTests"),
]
