import Kernels
import TestSupport
import Testing

/// Every build of every kernel gives the bits of the portable one, on rows of all lengths and alignments, and writes
/// nothing beyond them. In the manner of dav1d's checkasm.
@Suite struct BuildAgreementTests {
  /// Kernels called on arguments made from a seed; what they wrote comes back, guards included.
  struct Case: CustomTestStringConvertible, Sendable {
    /// As in KernelList.h.
    let kernels: [String]
    let arguments: String?
    let call: @Sendable (_ kernels: kernels, _ n: Int, _ data: inout TestData) -> Void

    init(
      _ kernels: String..., arguments: String? = nil,
      call: @escaping @Sendable (_ kernels: kernels, _ n: Int, _ data: inout TestData) -> Void
    ) {
      (self.kernels, self.arguments, self.call) = (kernels, arguments, call)
    }

    var testDescription: String { (kernels + [arguments].compactMap { $0 }).joined(separator: ", ") }
  }

  @Test func every_kernel_of_the_list_has_a_case() {
    let list = (0..<kernels_list_count()).map { String(cString: kernels_list_name($0)) }
    let tested = Set(Self.cases.flatMap(\.kernels))
    #expect(list.filter { !tested.contains($0) } == [])
    #expect(tested.subtracting(list) == [])
  }

  // Lengths around one, two and four vectors of every width, and blocks of every build.
  static let lengths = Array(0...70) + [95, 96, 127, 128, 129, 160, 191, 255, 256, 257, 260, 300, 511, 513, 1000]

  @Test(arguments: cases)
  func all_builds_give_the_same_bits(kernel: Case) {
    let portable = kernels_at(0)
    for index in 1..<max(kernels_count(), 1) {
      let build = kernels_at(index)
      for n in Self.lengths {
        for seed in 0..<4 {
          var expected = TestData(seed: seed), result = TestData(seed: seed)
          kernel.call(portable, n, &expected)
          kernel.call(build, n, &result)
          #expect(result.outputs == expected.outputs, "\(String(cString: build.name)), n \(n), seed \(seed)")
        }
      }
    }
  }

  static let cases: [Case] = [
    Case("load_u8_f32") { k, n, d in k.load_u8_f32(d.input(n), d.output(n), 1 / 255, n) },
    Case("load_u16_f32") { k, n, d in k.load_u16_f32(d.input(n), d.output(n), 1 / 65535, n) },
    Case("load_u8_f64") { k, n, d in k.load_u8_f64(d.input(n), d.output(n), 1 / 255, n) },
    Case("load_u16_f64") { k, n, d in k.load_u16_f64(d.input(n), d.output(n), 1 / 65535, n) },
    Case("load_f32_f64") { k, n, d in k.load_f32_f64(d.input(n), d.output(n), 0.7, n) },
    Case("scale_f32") { k, n, d in k.scale_f32(d.input(n), d.output(n), 0.3, 0.1, n) },
    Case("store_f32_u8") { k, n, d in k.store_f32_u8(d.input(n), d.output(n), 300, -10, n) },
    Case("store_f32_u16") { k, n, d in k.store_f32_u16(d.input(n), d.output(n), 70000, -100, n) },
    Case("luma_u8_f32") { k, n, d in k.luma_u8_f32(d.input(3 * n), d.output(n), 1 / 255, 3, n) },
    Case("luma_u8_f32", arguments: "4 channels") { k, n, d in k.luma_u8_f32(d.input(4 * n), d.output(n), 1 / 255, 4, n)
    },
    Case("luma_u16_f32") { k, n, d in k.luma_u16_f32(d.input(3 * n), d.output(n), 1 / 65535, 3, n) },
    Case("luma_f32_f32") { k, n, d in k.luma_f32_f32(d.input(3 * n), d.output(n), 1, 3, n) },
    Case("luma_u8_f64") { k, n, d in k.luma_u8_f64(d.input(3 * n), d.output(n), 1 / 255, 3, n) },
    Case("luma_u16_f64") { k, n, d in k.luma_u16_f64(d.input(3 * n), d.output(n), 1 / 65535, 3, n) },
    Case("luma_f32_f64") { k, n, d in k.luma_f32_f64(d.input(4 * n), d.output(n), 1, 4, n) },
    Case("premultiply_f32") { k, n, d in k.premultiply_f32(d.inout(4 * n), 1, 4, n) },
    Case("unpremultiply_f32") { k, n, d in k.unpremultiply_f32(d.inout(2 * n), 1, 2, n) },
    Case("correlate_rows_u8_f32") { k, n, d in
      let rows: [UnsafePointer<UInt8>] = d.rows(15, n)
      k.correlate_rows_u8_f32(rows, d.weights(7), 7, d.output(n), n)
    },
    Case("correlate_rows_u16_f32") { k, n, d in
      let rows: [UnsafePointer<UInt16>] = d.rows(9, n)
      k.correlate_rows_u16_f32(rows, d.weights(4), 4, d.output(n), n)
    },
    Case("correlate_rows_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(1, n)
      k.correlate_rows_f32(rows, d.weights(0), 0, d.output(n), n)
    },
    Case("correlate_rows_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(11, n)
      k.correlate_rows_f64(rows, d.weights(5).map(Double.init), 5, d.output(n), n)
    },
    Case("correlate_row_f32") { k, n, d in
      k.correlate_row_f32(d.input(n + 18) + 9, d.weights(3), 3, 3, d.output(n), n)
    },
    Case("correlate_row_f64") { k, n, d in
      k.correlate_row_f64(d.input(n + 20) + 10, d.weights(10).map(Double.init), 10, 1, d.output(n), n)
    },
    Case("correlate_odd_rows_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(9, n)
      k.correlate_odd_rows_f32(rows, d.weights(4), 4, d.output(n), n)
    },
    Case("correlate_odd_rows_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(11, n)
      k.correlate_odd_rows_f64(rows, d.weights(5).map(Double.init), 5, d.output(n), n)
    },
    Case("correlate_odd_row_f32") { k, n, d in
      k.correlate_odd_row_f32(d.input(n + 18) + 9, d.weights(3), 3, 3, d.output(n), n)
    },
    Case("correlate_odd_row_f64") { k, n, d in
      k.correlate_odd_row_f64(d.input(n + 20) + 10, d.weights(10).map(Double.init), 10, 1, d.output(n), n)
    },
    Case("gradient3_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(3, n + 6).map { $0 + 3 }
      k.gradient3_f32(rows, [0.5, 0.25], 3, d.output(n), d.output(n), n)
    },
    Case("gradient5_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(5, n + 4).map { $0 + 2 }
      k.gradient5_f32(rows, [0.42, 0.25, 0.04], [0, 0.28, 0.11], 1, d.output(n), d.output(n), n)
    },
    Case("roberts_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(2, n + 1)
      k.roberts_f32(rows, 1, d.output(n), d.output(n), n)
    },
    Case("magnitude_f32") { k, n, d in k.magnitude_f32(d.input(n), d.input(n), 0.7, d.output(n), n) },
    Case("gradient3_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(3, n + 6).map { $0 + 3 }
      k.gradient3_f64(rows, [0.5, 0.25], 3, d.output(n), d.output(n), n)
    },
    Case("gradient5_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(5, n + 4).map { $0 + 2 }
      k.gradient5_f64(rows, [0.42, 0.25, 0.04], [0, 0.28, 0.11], 1, d.output(n), d.output(n), n)
    },
    Case("roberts_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(2, n + 1)
      k.roberts_f64(rows, 1, d.output(n), d.output(n), n)
    },
    Case("magnitude_f64") { k, n, d in k.magnitude_f64(d.input(n), d.input(n), 0.7, d.output(n), n) },
    Case("divide_f64") { k, n, d in k.divide_f64(d.inout(n), d.input(n), 1e-9, n) },
    Case("canny_gradient_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(3, n + 2).map { $0 + 1 }
      k.canny_gradient_f64(rows, d.output(n), d.output(n), d.output(n), n)
    },
    Case("canny_thin_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(3, n + 2).map { $0 + 1 }
      k.canny_thin_f64(rows, d.input(n), d.input(n), nil, 0.3, 0.6, d.output(n), n)
    },
    Case("pack_labels") { k, n, d in
      let labels: UnsafeMutablePointer<UInt8> = d.inout(n)
      for x in 0..<n { labels[x] %= 3 }
      k.pack_labels(labels, d.output((n + 63) / 64), d.output((n + 63) / 64), n)
    },
    Case("reconstruct_row") { k, n, d in
      let weak: UnsafePointer<UInt64> = d.input(n)
      let strong: UnsafeMutablePointer<UInt64> = d.inout(n)
      for word in 0..<n { strong[word] &= weak[word] & 0x0100_0001_0000_0010 }
      let changed: UnsafeMutablePointer<Int32> = d.output(1)
      changed[0] = k.reconstruct_row(weak, d.input(n), d.input(n), strong, n)
    },
    Case("unpack_bits_u8") { k, n, d in k.unpack_bits_u8(d.input((n + 63) / 64), d.output(n), 255, n) },
    Case("correlate_columns_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(25, n)
      let height = 11
      for kernels in 1...2 {
        let weights = (0..<2).map { _ in UnsafePointer<Double>(d.input(8)) }
        let targets = (0..<2).map { _ in UnsafeMutablePointer<Double>(d.output((height + 1) * n)) }
        k.correlate_columns_f64(
          rows, weights, 7, kernels, targets, height + 1, n, height, d.scratch((height + 4 + 14) * 8))
      }
    },
    Case("laplacian_f64") { k, n, d in k.laplacian_f64(d.input(n), d.input(n), 2.5, d.output(n), n) },
    Case("difference_f64") { k, n, d in k.difference_f64(d.input(n), d.input(n), 1.6, d.output(n), n) },
    Case("peaks_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(9, n + 2).map { $0 + 1 }
      k.peaks_f64(rows, 0.5, d.output(n), n)
    },
    Case("range_f64") { k, n, d in
      let range: UnsafeMutablePointer<Double> = d.output(2)
      range[0] = .infinity
      range[1] = -.infinity
      k.range_f64(d.input(n), n, range, range + 1)
    },
    Case("correlate_columns_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(25, n)
      let height = 11
      for kernels in 1...2 {
        let weights = (0..<2).map { _ in UnsafePointer<Float>(d.input(8)) }
        let targets = (0..<2).map { _ in UnsafeMutablePointer<Float>(d.output((height + 1) * n)) }
        k.correlate_columns_f32(
          rows, weights, 7, kernels, targets, height + 1, n, height, d.scratch((height + 4 + 14) * 16))
      }
    },
    Case("laplacian_f32") { k, n, d in k.laplacian_f32(d.input(n), d.input(n), 2.5, d.output(n), n) },
    Case("difference_f32") { k, n, d in k.difference_f32(d.input(n), d.input(n), 1.6, d.output(n), n) },
    Case("peaks_f32") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(9, n + 2).map { $0 + 1 }
      k.peaks_f32(rows, 0.5, d.output(n), n)
    },
    Case("range_f32") { k, n, d in
      let range: UnsafeMutablePointer<Float> = d.output(2)
      range[0] = .infinity
      range[1] = -.infinity
      k.range_f32(d.input(n), n, range, range + 1)
    },
    Case("hessian_f64") { k, n, d in
      let rows: [UnsafePointer<Double>] = d.rows(16, n + 1)
      let columns = [1, -3, -3, 1, -2, -2, -4, -1], widths = [3, 3, 3, 3, 5, 5, 9, 3]
      let boxes = (0..<8).map {
        hessian_box(top: rows[$0], bottom: rows[$0 + 8], column: columns[$0], columns: widths[$0])
      }
      k.hessian_f64(boxes, 1 / 81, 0, n + 1, d.output(n), n)
    },
    median("median3_u8", 3) { $0.median3_u8 }, median("median3_u16", 3) { $0.median3_u16 },
    median("median3_i32", 3) { $0.median3_i32 }, median("median5_u8", 5) { $0.median5_u8 },
    median("median5_u16", 5) { $0.median5_u16 }, median("median5_i32", 5) { $0.median5_i32 },
    Case("median_count_u8") { k, n, d in
      let rows: [UnsafePointer<UInt8>] = d.rows(5, n + 8)
      let samples = (0..<35).map { rows[$0 / 7] }, offsets = (0..<35).map { Int32($0 % 7) }
      k.median_count_u8(samples, offsets, 35, 17, d.output(n), n)
    },
    Case("median_count_u16") { k, n, d in
      let rows: [UnsafePointer<UInt16>] = d.rows(5, n + 8)
      let samples = (0..<35).map { rows[$0 / 7] }, offsets = (0..<35).map { Int32($0 % 7) }
      k.median_count_u16(samples, offsets, 35, 30, d.output(n), n)
    },
    Case("median_count_i32") { k, n, d in
      let rows: [UnsafePointer<Int32>] = d.rows(5, n + 8)
      let samples = (0..<35).map { rows[$0 / 7] }, offsets = (0..<35).map { Int32($0 % 7) }
      k.median_count_i32(samples, offsets, 35, 3, d.output(n), n)
    },
    Case("extreme_u8") { k, n, d in
      let rows: [UnsafePointer<UInt8>] = d.rows(4, n + 18)
      k.extreme_u8(rows, 4, 7, 3, 1, d.output(n), n, d.scratch(n + 18))
    },
    Case("extreme_u16") { k, n, d in
      let rows: [UnsafePointer<UInt16>] = d.rows(3, n + 7)
      k.extreme_u16(rows, 3, 8, 1, 0, d.output(n), n, d.scratch(n + 7))
    },
    Case("extreme_i32") { k, n, d in
      let rows: [UnsafePointer<Int32>] = d.rows(2, n)
      k.extreme_i32(rows, 2, 1, 1, 1, d.output(n), n, d.scratch(n))
    },
    Case("sobel_u8") { k, n, d in
      let rows: [UnsafePointer<UInt8>] = d.rows(3, n + 6).map { $0 + 3 }
      k.sobel_u8(rows, 3, d.output(n), n)
    },
    Case("median_histogram_u8") { k, n, d in
      guard n > 0 else { return }
      var window = gapped(n, 5, 7, 9, pitch: n + 6, to: n, &d)
      let scratch: UnsafeMutablePointer<UInt16> = d.scratch((n + 6) * 272)
      k.median_histogram_u8(d.input((n + 6) * 13), d.output(n * 5), &window, scratch)
    },
    Case("median_spans_u8") { k, n, d in
      guard n > 0 else { return }
      var window = gapped(n, 9, 5, 5, pitch: n + 5, to: n + 1, &d)
      k.median_spans_u8(d.input((n + 5) * 13), d.output((n + 1) * 9), &window)
    },
    Case("rank_samples", "median_ranks") { k, n, d in
      guard n > 0 else { return }
      let count = (n + 4) * 8
      let keys: UnsafePointer<UInt32> = d.input(count)
      let ranks: UnsafeMutablePointer<UInt32> = d.output(count), values: UnsafeMutablePointer<UInt32> = d.output(count)
      k.rank_samples(keys, count, 32, d.scratch(count), d.scratch(count), ranks, values)
      var window = gapped(n, 4, 5, 5, pitch: n + 4, to: n, &d)
      k.median_ranks(ranks, count, values, d.scratch((count + 63) / 64), d.output(n * 4), &window)
    },
    Case("cover_u8") { k, n, d in
      let all: UnsafeMutablePointer<Int32> = d.output(1)
      all[0] = k.cover_u8(d.input(n), 255, d.output(n), n)
    },
    Case("cover_u16") { k, n, d in
      let all: UnsafeMutablePointer<Int32> = d.output(1)
      all[0] = k.cover_u16(d.input(n), 65535, d.output(n), n)
    },
    Case("cover_f32") { k, n, d in
      let all: UnsafeMutablePointer<Int32> = d.output(2), values: UnsafePointer<Float> = d.input(n)
      all[0] = k.cover_f32(values, n > 0 ? values[n / 2] : 0, d.output(n), n)
      all[1] = k.cover_f32(values, .nan, d.output(n), n)
    },
    Case("cover_f64") { k, n, d in
      let all: UnsafeMutablePointer<Int32> = d.output(2), values: UnsafePointer<Double> = d.input(n)
      all[0] = k.cover_f64(values, n > 0 ? values[n / 2] : 0, d.output(n), n)
      all[1] = k.cover_f64(values, .nan, d.output(n), n)
    },
    Case("choose_covered_u8") { k, n, d in k.choose_covered_u8(d.cover(n), d.input(n), d.input(n), d.output(n), n) },
    Case("choose_covered_u16") { k, n, d in k.choose_covered_u16(d.cover(n), d.input(n), d.input(n), d.output(n), n) },
    Case("choose_covered_u32") { k, n, d in k.choose_covered_u32(d.cover(n), d.input(n), d.input(n), d.output(n), n) },
    Case("choose_covered_u64") { k, n, d in k.choose_covered_u64(d.cover(n), d.input(n), d.input(n), d.output(n), n) },
    Case("cover_bytes_u8") { k, n, d in k.cover_bytes_u8(d.cover(n), d.output(n), n) },
    Case("keep_covered_u16") { k, n, d in k.keep_covered_u16(d.input(n), d.input(n), 65275, d.output(n), n) },
    Case("blend_row_f32") { k, n, d in k.blend_row_f32(d.input(n + 27), 9, d.input(n + 9), 3, d.output(n), n) },
    Case("blend_rows_u8") { k, n, d in
      let rows: [UnsafePointer<Float>] = d.rows(4, n)
      k.blend_rows_u8(rows, [50, 100, 70, -20], d.output(n), n)
    },
    Case("split_samples_u8") { k, n, d in
      k.split_samples_u8(d.input(n), d.output((n + 1) / 2), d.output(n / 2), n)
    },
    Case("join_samples_u8") { k, n, d in k.join_samples_u8(d.input((n + 1) / 2), d.input(n / 2), d.output(n), n) },
    Case("correlate_pairs_u16") { k, n, d in
      let count = n / 128 * 128
      let rows: [UnsafePointer<UInt16>] = d.rows(10, count)
      k.correlate_pairs_u16(
        rows, [20000, 26000, 13000, 5000, 1536], 4, 3, 1, d.output(count), d.output(count), count)
    },
    Case("divide_covered_u16") { k, n, d in
      let cover: UnsafePointer<UInt16> = d.input(n)
      let low: UnsafeMutablePointer<Int32> = d.output(1)
      low[0] = k.divide_covered_u16(d.inout(n), cover, n > 0 ? cover[n / 2] : 1, n)
    },
    Case("divide_covered_f32") { k, n, d in
      let cover: UnsafePointer<Float> = d.input(n)
      k.divide_covered_f32(d.inout(n), cover, n > 0 ? cover[n / 2] : 1, n)
    },
    covered("median_covered_u8", UInt8.max) { $0.median_covered_u8 },
    covered("median_covered_u16", UInt16.max) { $0.median_covered_u16 },
    covered("median_covered_i32", Int32(-1)) { $0.median_covered_i32 },
    Case("median_covered_histogram_u8") { k, n, d in
      guard n > 0 else { return }
      var window = gapped(n, 5, 7, 9, pitch: n + 6, to: n, &d)
      let scratch: UnsafeMutablePointer<UInt16> = d.scratch((n + 6) * 272)
      let cover = d.cover((n + 6) * 13)
      k.median_covered_histogram_u8(d.input((n + 6) * 13), cover, d.output(n * 5), &window, scratch)
    },
    Case("median_covered_spans_u8") { k, n, d in
      guard n > 0 else { return }
      var window = gapped(n, 9, 5, 5, pitch: n + 5, to: n + 1, &d)
      let cover = d.cover((n + 5) * 13)
      k.median_covered_spans_u8(d.input((n + 5) * 13), cover, d.output((n + 1) * 9), &window)
    },
    Case("median_covered_ranks") { k, n, d in
      guard n > 0 else { return }
      let count = (n + 4) * 8
      let keys: UnsafePointer<UInt32> = d.input(count)
      let ranks: UnsafeMutablePointer<UInt32> = d.scratch(count),
        values: UnsafeMutablePointer<UInt32> = d.scratch(count)
      k.rank_samples(keys, count, 32, d.scratch(count), d.scratch(count), ranks, values)
      for i in 0..<count where i * i % 7 < 3 || i / 40 % 3 == 0 { ranks[i] = .max }
      var window = gapped(n, 4, 5, 5, pitch: n + 4, to: n, &d)
      k.median_covered_ranks(ranks, count, values, d.scratch((count + 63) / 64), d.output(n * 4), &window)
    },
    Case("float_keys") { k, n, d in k.float_keys(d.input(n), d.output(n), n) },
    Case("keys_float") { k, n, d in k.keys_float(d.input(n), d.output(n), n) },
  ]

  /// Of a rectangle, or of 5 × 5 with gaps; the sample taken is the fourth from the greatest, or at two thirds.
  private static func gapped(
    _ width: Int, _ height: Int, _ columns: Int, _ rows: Int, pitch: Int, to target: Int, _ d: inout TestData
  ) -> median_window {
    var window = median_window()
    (window.width, window.height, window.window_width, window.window_height) = (width, height, columns, rows)
    (window.src_pitch, window.dst_pitch) = (pitch, target)
    (window.percent, window.rank, window.has_rank) = (200.0 / 3, -4, width % 2 == 0 ? 1 : 0)
    let runs: [(Int32, Int32, Int32)] = [(0, 2, 3), (1, 0, 2), (1, 3, 5), (2, 0, 5), (4, 1, 2), (4, 4, 5)]
    let turned: [(Int32, Int32, Int32)] = [
      (0, 1, 3), (1, 1, 3), (1, 4, 5), (2, 0, 1), (2, 2, 3), (3, 1, 3), (4, 1, 3), (4, 4, 5),
    ]
    func copy(_ runs: [(Int32, Int32, Int32)]) -> UnsafePointer<window_run> {
      let copy: UnsafeMutablePointer<window_run> = d.scratch(runs.count)
      for (i, run) in runs.enumerated() { copy[i] = window_run(line: run.0, first: run.1, end: run.2) }
      return UnsafePointer(copy)
    }
    (window.rows, window.row_count, window.columns, window.column_count) = (copy(runs), 6, copy(turned), 8)
    return window
  }

  /// Of 3 × 3 and of 5 × 5, with some samples that do not count.
  private static func covered<Sample: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ name: String, _ set: Sample,
    _ kernel:
      @escaping @Sendable (kernels) -> (
        UnsafePointer<UnsafePointer<Sample>>, UnsafePointer<UnsafePointer<Sample>>, Int, UnsafeMutablePointer<Sample>,
        Int, Int, Int
      ) -> Void
  ) -> Case {
    Case(name) { k, n, d in
      for side in [3, 5] {
        let rows: [UnsafePointer<Sample>] = d.rows(side + 2, n + side).map { $0 + side / 2 }
        var covers: [UnsafePointer<Sample>] = []
        for row in 0..<(side + 2) {
          let cover: UnsafeMutablePointer<Sample> = d.scratch(n + side)
          for x in 0..<(n + side) { cover[x] = (x * x + row) % 7 < 3 ? 0 : set }
          covers.append(UnsafePointer(cover + side / 2))
        }
        kernel(k)(rows, covers, side, d.output((n + 1) * 3), n + 1, n, 3)
      }
    }
  }

  private static func median<Sample: BitwiseCopyable & Sendable>(
    _ name: String, _ side: Int,
    _ kernel:
      @escaping @Sendable (kernels) -> (
        UnsafePointer<UnsafePointer<Sample>>, Int, UnsafeMutablePointer<Sample>, Int, Int, Int
      ) -> Void
  ) -> Case {
    Case(name) { k, n, d in
      // Even and odd numbers of rows, as outputs are made two at a time; pixels of two samples.
      for height in 3...4 {
        let rows: [UnsafePointer<Sample>] = d.rows(height + side - 1, n + 2 * side).map { $0 + side - 1 }
        kernel(k)(rows, 2, d.output((n + 1) * height), n + 1, n, height)
      }
    }
  }
}

/// Arguments for a kernel: misaligned by the seed, followed by guards.
///
/// Seed 0 gives smallest values, 1 greatest, 2 one sample that differs, others noise. Guards are odd finite numbers: a
/// NaN would survive arithmetic and hide an overrun.
struct TestData: ~Copyable {
  private let seed: Int
  private var noise: Noise
  private var blocks: [UnsafeMutableRawBufferPointer] = []
  private var written: [Int] = []
  private static let guardBytes = 256

  init(seed: Int) {
    self.seed = seed
    noise = Noise(seed: seed)
  }

  deinit { blocks.forEach { $0.deallocate() } }

  /// All bytes that a kernel could have written, and the guards around them.
  var outputs: [[UInt8]] { written.map { Array(blocks[$0]) } }

  mutating func input<T: BitwiseCopyable>(_ n: Int) -> UnsafePointer<T> { UnsafePointer(filled(n)) }

  /// Filled, and compared afterwards.
  mutating func `inout`<T: BitwiseCopyable>(_ n: Int) -> UnsafeMutablePointer<T> {
    let pointer: UnsafeMutablePointer<T> = filled(n)
    written.append(blocks.count - 1)
    return pointer
  }

  mutating func output<T: BitwiseCopyable>(_ n: Int) -> UnsafeMutablePointer<T> {
    let pointer: UnsafeMutablePointer<T> = block(n)
    written.append(blocks.count - 1)
    return pointer
  }

  mutating func scratch<T: BitwiseCopyable>(_ n: Int) -> UnsafeMutablePointer<T> { block(n) }

  mutating func rows<T: BitwiseCopyable>(_ count: Int, _ n: Int) -> [UnsafePointer<T>] {
    var rows: [UnsafePointer<T>] = []
    for _ in 0..<count { rows.append(input(n)) }
    return rows
  }

  /// Zeros among ones.
  mutating func cover(_ n: Int) -> UnsafePointer<UInt8> {
    let cover: UnsafeMutablePointer<UInt8> = block(n)
    for i in 0..<n { cover[i] = i * i % 7 < 3 ? 0 : 1 }
    return UnsafePointer(cover)
  }

  mutating func weights(_ radius: Int) -> [Float] {
    var weights: [Float] = []
    for k in 0...radius { weights.append(0.3 / Float(k + 1)) }
    return weights
  }

  private mutating func block<T: BitwiseCopyable>(_ n: Int) -> UnsafeMutablePointer<T> {
    let stride = MemoryLayout<T>.stride
    let offset = Self.guardBytes + (seed % 4) * stride
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: offset + n * stride + Self.guardBytes, alignment: 64)
    for i in bytes.indices { bytes[i] = 0x47 }
    blocks.append(bytes)
    return (bytes.baseAddress! + offset).bindMemory(to: T.self, capacity: n)
  }

  private mutating func filled<T: BitwiseCopyable>(_ n: Int) -> UnsafeMutablePointer<T> {
    let values: UnsafeMutablePointer<T> = block(n)
    let odd = n > 0 ? Int(noise.next() % UInt64(n)) : 0
    for i in 0..<n {
      let unit: Double =
        switch seed {
        case 0: 0
        case 1: 1
        case 2: i == odd ? 1 : 0
        default: Double.random(in: 0...1, using: &noise)
        }
      switch T.self {
      case is UInt8.Type: (values + i).withMemoryRebound(to: UInt8.self, capacity: 1) { $0.pointee = UInt8(unit * 255) }
      case is UInt16.Type:
        (values + i).withMemoryRebound(to: UInt16.self, capacity: 1) { $0.pointee = UInt16(unit * 65535) }
      case is UInt32.Type:
        (values + i).withMemoryRebound(to: UInt32.self, capacity: 1) { $0.pointee = UInt32(unit * 4_294_967_295) }
      case is Int32.Type:
        (values + i).withMemoryRebound(to: Int32.self, capacity: 1) { $0.pointee = Int32(unit * 4e9 - 2e9) }
      case is UInt64.Type:
        let bits = seed < 2 ? (seed == 0 ? 0 : UInt64.max) : noise.next() & noise.next()
        (values + i).withMemoryRebound(to: UInt64.self, capacity: 1) { $0.pointee = bits }
      case is Float.Type:
        (values + i).withMemoryRebound(to: Float.self, capacity: 1) { $0.pointee = Float(unit * 1.2 - 0.1) }
      case is Double.Type:
        (values + i).withMemoryRebound(to: Double.self, capacity: 1) { $0.pointee = unit * 1.2 - 0.1 }
      default: preconditionFailure("a sample type that no kernel takes")
      }
    }
    return values
  }
}
