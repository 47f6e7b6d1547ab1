import Imbrex

/// A benchmark's figures in several forms.
struct BenchReport {
  let filter: String
  /// Of one filter its options by name, of a chain a list of filters with theirs.
  let options: JSONValue
  let picture: ImageDescription
  let isEndToEnd: Bool
  let runs: [Benchmark.Run]

  func speedup(_ run: Benchmark.Run) -> Double { runs[0].median / run.median }
  private func throughput(_ run: Benchmark.Run) -> Double { Double(picture.pixelCount) / 1e6 / run.median }

  /// How near a run comes to reading and writing memory and doing nothing else.
  private func shareOfCopy(_ run: Benchmark.Run) -> Double { Double(run.bytes) / run.median / run.copyRate }

  /// The share of serial work that a speed-up on p workers implies (Karp and Flatt 1990, doi:10.1145/78607.78614).
  func serialFraction(_ run: Benchmark.Run) -> Double? {
    guard run.workers > 1 else { return nil }
    let p = Double(run.workers)
    return (1 / speedup(run) - 1 / p) / (1 - 1 / p)
  }

  var json: String {
    JSONValue.object([
      ("version", .string(Imbrex.version)), ("filter", .string(filter)), ("options", options),
      (
        "image",
        .object([
          ("width", .integer(picture.width)), ("height", .integer(picture.height)),
          ("channels", .integer(picture.channels)), ("type", .string(picture.sampleType.rawValue)),
        ])
      ),
      ("kernels", .string(kernelBuildName)), ("end_to_end", .bool(isEndToEnd)),
      (
        "runs",
        .array(
          runs.map { run in
            .object([
              ("mode", .string(run.isSerial ? "serial" : "parallel")), ("jobs", .integer(run.workers)),
              ("tiles", .integer(run.tiles)), ("tile_height", .integer(run.tileHeight)),
              ("tile_width", .integer(run.tileWidth)),
              ("stages", run.stages.map { stages in .object(stages.map { ($0.name, .number($0.seconds)) }) } ?? .null),
              (
                "seconds",
                .object([("median", .number(run.median)), ("min", .number(run.least)), ("max", .number(run.greatest))])
              ),
              ("mpixels_per_second", .number(throughput(run))), ("speedup", .number(speedup(run))),
              ("efficiency", .number(speedup(run) / Double(run.workers))),
              ("serial_fraction", serialFraction(run).map(JSONValue.number) ?? .null),
              ("bytes", .integer(run.bytes)), ("bytes_per_second", .number(Double(run.bytes) / run.median)),
              ("copy_bytes_per_second", .number(run.copyRate)), ("share_of_copy", .number(shareOfCopy(run))),
              ("identical", .bool(run.isIdentical)),
            ])
          })
      ),
    ]).description
  }

  private var columns: [String] {
    var names = Self.baseColumns
    if hasTilings { names.insert("tile", at: 3) }
    if isEndToEnd { names += ["decode ms", "filter ms", "encode ms"] }
    return names
  }

  /// Whether there is more than one way of tiling to be told apart.
  private var hasTilings: Bool {
    Set(runs.filter { !$0.isSerial }.map { "\($0.tileHeight)x\($0.tileWidth)" }).count > 1
  }

  private static let baseColumns = [
    "mode", "jobs", "tiles", "median ms", "min ms", "max ms", "Mpixel/s", "speed-up", "efficiency", "serial fraction",
    "GB/s", "of copy", "identical",
  ]

  private var cells: [[String]] {
    runs.map { run in
      var cells = [
        run.isSerial ? "serial" : "parallel", String(run.workers), String(run.tiles), fixed(run.median * 1000, 2),
        fixed(run.least * 1000, 2), fixed(run.greatest * 1000, 2), fixed(throughput(run), 1), fixed(speedup(run), 2),
        fixed(speedup(run) / Double(run.workers), 2), serialFraction(run).map { fixed($0, 3) } ?? "-",
        fixed(Double(run.bytes) / run.median / 1e9, 2), fixed(shareOfCopy(run), 3), run.isIdentical ? "yes" : "NO",
      ]
      if hasTilings { cells.insert("\(run.tileHeight)x\(run.tileWidth)", at: 3) }
      if isEndToEnd { cells += (run.stages ?? []).map { fixed($0.seconds * 1000, 2) } }
      return cells
    }
  }

  private var title: String {
    "imbrex \(Imbrex.version) \(filter) on \(picture.summary), kernels \(kernelBuildName), \(runs[0].seconds.count) \(runs[0].seconds.count == 1 ? "run" : "runs")\(isEndToEnd ? ", from file to file" : "")"
  }

  var table: String {
    let rows = [columns] + cells
    let widths = columns.indices.map { column in rows.map { $0[column].count }.max()! }
    let lines = rows.map { row in
      row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + padding : padding + text
      }.joined(separator: "  ")
    }
    return ([title] + lines).joined(separator: "\n")
  }

  var markdown: String {
    let separator = columns.indices.map { $0 == 0 ? "---" : "---:" }
    let lines = ([columns, separator] + cells).map { "| " + $0.joined(separator: " | ") + " |" }
    return (["\(title)", ""] + lines).joined(separator: "\n")
  }

  var csv: String {
    let names = columns.map { $0.lowercased().split { " -/".contains($0) }.joined(separator: "_") }
    return ([names] + cells).map { $0.joined(separator: ",") }.joined(separator: "\n")
  }
}
