import Imbrex

/// What `--explain` tells of one input: what comes in, how it is filtered, what goes out.
struct Explanation {
  /// A picture, or a table, that would be written.
  struct Output {
    enum Role: String { case output, tee, overlay }
    let role: Role
    /// Nil where none is named.
    let path: String?
    let format: String
    /// As it would be in the file; nil for a table.
    let picture: ImageDescription?
    /// Of a tee: the filters before it.
    var filters: String?
    /// Of a table.
    var columns: [String] = []
  }

  let input: String
  let reader: ImageReader
  /// Those that would be read; the plan is that of the first.
  /// Nil of a stream, whose number shows at its end.
  let pages: Int?
  /// With the conversion that the output's format needs.
  let plan: Plan
  /// The chain's name, without conversions.
  let filter: String
  let outputs: [Output]
  /// Pictures that share what may be held.
  let picturesAtOnce: Int
}

// MARK: - Text

extension Explanation {
  /// Lines for people.
  var text: String {
    let pages = pages.map { $0 > 1 ? ", \($0) pages" : "" } ?? ""
    let source = "\(reader.description.summary), \(reader.format.name)\(pages)"
    var lines = [
      line("input", "\(name(input)), \(source)\(reader.decodesInOrder ? "" : " (held whole by its decoder)")"),
      line("filter", filter),
    ]
    if let left = reader.description.validity.text { lines.append(line("left out", left)) }
    lines += outputs.map { line($0.role.rawValue, text($0)) }
    return (lines + plan.lines).joined(separator: "\n")
  }

  private func text(_ output: Output) -> String {
    let what = output.picture.map(\.summary) ?? "a table of \(output.columns.joined(separator: ", "))"
    let place = output.path.map { $0 == "-" ? "standard output" : PathText.printable($0) }
    return ([place, what, output.format].compactMap { $0 } + [output.filters.map { "after \($0)" }].compactMap { $0 })
      .joined(separator: ", ")
  }

  private func name(_ path: String) -> String { path == "-" ? "standard input" : PathText.printable(path) }
}

/// `grid:       2 × 2 tiles`
private func line(_ name: String, _ text: String) -> String {
  let label = name + ":"
  return label + String(repeating: " ", count: max(12 - label.count, 1)) + text
}

extension Plan {
  fileprivate var lines: [String] {
    let sweep = mainSweep
    var lines: [String] = []
    if let region { lines.append(line("region", "\(region.width)x\(region.height)+\(region.x)+\(region.y)")) }
    if let read = windowRead {
      lines.append(line("read", "\(read.width) × \(read.height) pixels from column \(read.x), row \(read.y)"))
    }
    lines += [
      line("passes", passesText), line("workers", "\(sweep.workers)"), line("grid", sweep.gridText),
      line("halo", "\(halo.top) above, \(halo.bottom) below, \(halo.left) left, \(halo.right) right"),
      line("extra work", "\(shortest(extraWorkPercent)) % of the pixels are read more than once"),
      line("memory", "\((memory + (1 << 20) - 1) >> 20) MiB of bands"), line("kernels", kernelBuildName),
    ]
    guard sweeps.reduce(0, { $0 + $1.steps.count }) > 1 else { return lines }
    return lines
      + sweeps.enumerated().map { number, sweep in
        let stages = sweep.steps.map { step in
          "\(step.shape.filter) (halo \(max(step.halo.top, step.halo.bottom)),\(max(step.halo.left, step.halo.right)))"
        }
        let what = stages.isEmpty ? "reads the picture" : stages.joined(separator: ", then ")
        return line("sweep \(number + 1)", "\(what); \(sweep.gridText)")
      }
  }
}

// MARK: - JSON

extension Explanation {
  /// One object, for programs.
  var json: JSONValue {
    .object(
      [
        (
          "input",
          .object(
            [
              ("file", .string(input)), ("format", .string(reader.format.name)),
              ("pages", pages.map(JSONValue.integer) ?? .null),
              ("decodes_in_order", .bool(reader.decodesInOrder)),
            ] + reader.description.members)
        ),
        ("filter", .string(filter)),
        ("left_out", reader.description.validity.text.map(JSONValue.string) ?? .null),
        ("outputs", .array(outputs.map(json))),
      ] + plan.members(picturesAtOnce: picturesAtOnce))
  }

  private func json(_ output: Output) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("role", .string(output.role.rawValue)), ("file", output.path.map(JSONValue.string) ?? .null),
      ("format", .string(output.format)),
    ]
    if let filters = output.filters { members.append(("after", .string(filters))) }
    if output.picture == nil { members.append(("columns", .array(output.columns.map(JSONValue.string)))) }
    return .object(members + (output.picture?.members ?? []))
  }
}

extension Plan {
  fileprivate func members(picturesAtOnce: Int) -> [(String, JSONValue)] {
    let sweep = mainSweep, (passCount, purposes) = passes
    return [
      ("region", region?.json ?? .null), ("read", windowRead?.json ?? .null), ("passes", .integer(passCount)),
      ("extra_passes", .array(purposes.map(JSONValue.string))),
      ("held", .array(held.map { json($0) })), ("workers", .integer(sweep.workers)), ("grid", sweep.gridJSON),
      ("halo", halo.json), ("extra_work_percent", .number(extraWorkPercent)), ("memory_bytes", .integer(memory)),
      ("max_memory_bytes", .integer(tiling.maxMemory)), ("pictures_at_once", .integer(picturesAtOnce)),
      ("kernels", .string(kernelBuildName)), ("sweeps", .array(sweeps.map(\.json))),
    ]
  }

  private func json(_ held: Held) -> JSONValue {
    .object([
      ("what", .string(held.name)), ("bytes", .integer(held.byteCount)),
      ("in", .string(held.byteCount > maxHeld ? "temporary file" : "memory")),
    ])
  }
}

extension SweepPlan {
  fileprivate var gridJSON: JSONValue {
    .object([
      ("rows", .integer(gridSize.rows)), ("columns", .integer(gridSize.columns)),
      ("tile_height", .integer(gridSize.tileHeight)), ("tile_width", .integer(gridSize.tileWidth)),
    ])
  }

  fileprivate var json: JSONValue {
    let stages = steps.map { step in
      JSONValue.object([
        ("filter", .string(step.shape.filter)), ("halo", step.halo.json), ("spare", step.spare.json),
      ])
    }
    return .object([
      ("stages", .array(stages)), ("grid", gridJSON), ("extra_work_percent", .number(percent(extraWork))),
      ("memory_bytes", .integer(memory)),
    ])
  }
}

extension Halo {
  fileprivate var json: JSONValue {
    .object([
      ("top", .integer(top)), ("bottom", .integer(bottom)), ("left", .integer(left)), ("right", .integer(right)),
    ])
  }
}

extension Region {
  fileprivate var json: JSONValue {
    .object([("x", .integer(x)), ("y", .integer(y)), ("width", .integer(width)), ("height", .integer(height))])
  }
}

extension ImageDescription {
  /// By the names that `info --json` has for them.
  fileprivate var members: [(String, JSONValue)] {
    [
      ("width", .integer(width)), ("height", .integer(height)), ("channels", .integer(channels)),
      ("type", .string(sampleTypeName)), ("color", .string(color.rawValue)), ("alpha", .string(alpha.rawValue)),
      ("extra_bands", .integer(extraBands)),
    ]
  }
}
