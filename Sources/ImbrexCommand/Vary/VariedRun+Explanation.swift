import Imbrex

/// `--explain` of a sweep: the tree of what its combinations have in common, and what that saves.
extension VariedRun {
  func explain(_ tiling: TilingOptions, shares: Int) throws {
    var tiling = tiling
    tiling.maxMemory /= shares
    var failure: BatchFailure?
    for index in 0..<outputs[0].plan.count {
      let input = outputs[0].plan[index].input
      do {
        try explain(index, tiling)
      } catch {
        let error = error as? ImbrexError ?? ImbrexError(.input, "\(error)")
        Messages.report(messageText(error), file: input)
        failure = failure ?? BatchFailure(status: error.status)
      }
    }
    if let failure { throw failure }
  }

  private func explain(_ index: Int, _ tiling: TilingOptions) throws {
    let reader = try ImageReader(path: outputs[0].plan[index].input, options: options.readerOptions(tiling))
    let trees = try PlanTree.fitting(
      variants(for: reader), for: reader.description, region: options.region, tiling: tiling,
      outputs: outputsAtOnce(tiling))
    if options.json {
      print(json(index, reader, trees))
    } else {
      Messages.show(text(index, reader, trees))
    }
  }

  // MARK: - Text

  private func text(_ index: Int, _ reader: ImageReader, _ trees: [PlanTree]) -> String {
    let input = FileJob.name(of: outputs[0].plan[index].input)
    var lines = [
      "input:        \(input), \(reader.description.summary), \(reader.format.name)",
      "combinations: \(runs.count) (\(line.names.map { "\($0.name): \($0.values.count)" }.joined(separator: ", ")))",
      "passes:       \(passes(trees))",
      "memory:       \((trees.map(\.memory).max()! + (1 << 20) - 1) >> 20) MiB of bands",
      "saved:        \(saved(trees))",
    ]
    for (number, tree) in trees.enumerated() {
      lines.append(trees.count == 1 ? "tree:" : "tree \(number + 1):")
      lines.append("  \(trees.count > 1 ? "the picture, held" : input)")
      add(tree.nodes, index, to: &lines, indent: "  ")
    }
    return lines.joined(separator: "\n")
  }

  private func passes(_ trees: [PlanTree]) -> String {
    let sweeps = trees.reduce(0) { $0 + $1.sweepCount }
    let decodes = "decoded once"
    guard trees.count > 1 else { return "\(decodes), \(sweeps) sweeps" }
    return "\(decodes) and held, \(sweeps) sweeps: too much for --max-memory, or too many files, for one tree"
  }

  /// Filters that are run, beside those of all combinations alone.
  private func saved(_ trees: [PlanTree]) -> String {
    let counts = runs[0].pipeline.links.indices.map { position -> String in
      let made = trees.reduce(0) { $0 + Self.count($1.nodes, position) }
      return "\(made) of \(runs.count) \(runs[0].pipeline.links[position].name)"
    }
    return "1 of \(runs.count) decodings, \(counts.joined(separator: ", ")) are run"
  }

  private static func count(_ nodes: [PlanTree.Node], _ position: Int) -> Int {
    nodes.reduce(0) { $0 + ($1.position == position ? 1 : count($1.next, position)) }
  }

  private func add(_ nodes: [PlanTree.Node], _ index: Int, to lines: inout [String], indent: String) {
    for (number, node) in nodes.enumerated() {
      let isLast = number == nodes.count - 1
      lines.append(indent + (isLast ? "└─ " : "├─ ") + text(of: node, index))
      add(node.next, index, to: &lines, indent: indent + (isLast ? "   " : "│  "))
    }
  }

  private func text(of node: PlanTree.Node, _ index: Int) -> String {
    let isLast = node.position == runs[0].pipeline.links.count - 1
    var text = runs[node.filters[0]].words(node.position)
    if node.sharesWork {
      text = "\(runs[0].pipeline.links[node.position].name), \(node.filters.count) settings at once"
    }
    guard isLast else { return text }
    let paths = node.variants.compactMap { outputs[$0].sharedTable ?? outputs[$0].plan[index].output }
    let shown = paths.prefix(3).map { FileJob.name(of: $0) }.joined(separator: ", ")
    return paths.isEmpty ? text : "\(text) -> \(shown)\(paths.count > 3 ? " … (\(paths.count))" : "")"
  }

  // MARK: - JSON

  private func json(_ index: Int, _ reader: ImageReader, _ trees: [PlanTree]) -> JSONValue {
    .object([
      ("input", .string(outputs[0].plan[index].input)), ("format", .string(reader.format.name)),
      ("combinations", .array(line.combinations.map(\.json))),
      ("memory_bytes", .integer(trees.map(\.memory).max()!)),
      (
        "trees",
        .array(
          trees.map { tree in
            .object([("sweeps", .integer(tree.sweepCount)), ("nodes", .array(tree.nodes.map { json($0, index) }))])
          })
      ),
    ])
  }

  private func json(_ node: PlanTree.Node, _ index: Int) -> JSONValue {
    let isLast = node.position == runs[0].pipeline.links.count - 1
    var members: [(String, JSONValue)] = [
      ("filters", .array(node.filters.map { .string(runs[$0].words(node.position)) })),
      ("combinations", .array(node.variants.map(JSONValue.integer))),
    ]
    if isLast {
      let paths = node.variants.map { outputs[$0].sharedTable ?? outputs[$0].plan[index].output }
      members.append(("outputs", .array(paths.map { $0.map(JSONValue.string) ?? .null })))
    } else {
      members.append(("next", .array(node.next.map { json($0, index) })))
    }
    return .object(members)
  }
}
