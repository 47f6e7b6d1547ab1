extension JobPlan {
  /// Waves with more tasks are one box: a picture with hundreds of arrows says nothing.
  private static let mostTasksShown = 6

  /// The graph as a picture, in graphviz's language: `dot -Tsvg`.
  package func dot(name: String) -> String {
    let line = command.joined(separator: " ")
    var text = """
      digraph job {
        label=\(Self.dotText("\(name): \(tasks.count) tasks\n\(line.count > 100 ? line.prefix(99) + "…" : line)"))
        labelloc=t fontname="sans-serif" fontsize=12 nodesep=0.3 ranksep=0.5
        node [shape=box style="rounded,filled" fillcolor="#eef3fa" color="#5a7aa5" fontname="sans-serif" fontsize=10]
        edge [color="#7a7a7a" fontname="sans-serif" fontsize=9]

      """
    var nodes = [String](repeating: "", count: tasks.count)
    for (number, wave) in waves.enumerated() {
      let shown = tasks[wave.tasks]
      if shown.count > Self.mostTasksShown {
        for task in wave.tasks { nodes[task] = "wave\(number)" }
        let label = "\(wave.name)\n\(shown.count) tasks, each up to\n" + Self.size(of: shown)
        text += "  wave\(number) [shape=box3d style=filled label=\(Self.dotText(label))]\n"
        continue
      }
      // A frame only where it says something.
      let isFramed = shown.count > 1
      if isFramed {
        let label = "label=\(Self.dotText(wave.name)) labeljust=l"
        text += "  subgraph cluster\(number) { \(label) style=rounded color=\"#b5c4d8\" fontsize=10\n"
      }
      for task in wave.tasks {
        nodes[task] = "task\(task)"
        let label = tasks[task].name + "\n" + Self.size(of: tasks[task...task])
        text += "  \(isFramed ? "  " : "")task\(task) [label=\(Self.dotText(label))]\n"
      }
      if isFramed { text += "  }\n" }
    }
    return text + files(nodes) + arrows(nodes) + "}\n"
  }

  /// Arrows from what is needed, with how many tasks of a box are meant.
  private func arrows(_ nodes: [String]) -> String {
    struct Arrow: Hashable { let from, to: String }
    var order: [Arrow] = [], counts: [Arrow: ClosedRange<Int>] = [:]
    for (number, task) in tasks.enumerated() {
      var needed: [String: Int] = [:]
      for need in task.needs { needed[nodes[need], default: 0] += 1 }
      for (node, count) in needed.sorted(by: { $0.key < $1.key }) {
        let arrow = Arrow(from: node, to: nodes[number])
        if let known = counts[arrow] {
          counts[arrow] = min(known.lowerBound, count)...max(known.upperBound, count)
        } else {
          order.append(arrow)
          counts[arrow] = count...count
        }
      }
    }
    let sizes = Dictionary(nodes.map { ($0, 1) }, uniquingKeysWith: +)
    return order.map { arrow in
      let range = counts[arrow]!
      var label = ""
      if sizes[arrow.from]! > 1 {
        let isAll = range == sizes[arrow.from]!...sizes[arrow.from]!
        let number = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)–\(range.upperBound)"
        label = " [label=\"  \(isAll ? "all" : number)\(sizes[arrow.to]! > 1 ? " each" : "")\"]"
      }
      return "  \(arrow.from) -> \(arrow.to)\(label)\n"
    }.joined()
  }

  /// Inputs and outputs: a few by name, many as one sheet.
  private func files(_ nodes: [String]) -> String {
    func sheet(_ node: String, _ label: String) -> String {
      "  \(node) [shape=note style=filled fillcolor=\"#fbf6e6\" color=\"#b09a5a\" label=\(Self.dotText(label))]\n"
    }
    func arrows(_ pairs: [(String, String)]) -> String {
      var seen: Set<String> = []
      return pairs.map { "  \($0.0) -> \($0.1)\n" }.filter { seen.insert($0).inserted }.joined()
    }
    let label = inputs.count == 1 ? inputs[0].path : "\(inputs.count) pictures"
    var text = sheet("inputs", label)
    text += arrows(tasks.indices.filter { tasks[$0].needs.isEmpty }.map { ("inputs", nodes[$0]) })

    let isListed = outputs.count <= Self.mostTasksShown
    var sheets: [String: String] = [:]
    for (number, output) in outputs.enumerated() { sheets[output] = isListed ? "output\(number)" : "outputs" }
    if isListed {
      text += outputs.enumerated().map { sheet("output\($0)", $1) }.joined()
    } else {
      text += sheet("outputs", "\(outputs.count) outputs")
    }
    text += arrows(
      tasks.enumerated().flatMap { number, task in task.makes.compactMap { sheets[$0] }.map { (nodes[number], $0) } })
    return text
  }

  /// The most that one of some tasks does and holds.
  private static func size(of tasks: ArraySlice<Task>) -> String {
    let pixels = tasks.map(\.pixels).max()!, memory = tasks.map(\.memory).max()!
    let work = pixels > 0 ? ["\(figure(pixels))pixel"] : []
    return (work + ["\(max(memory >> 20, 1)) MiB"]).joined(separator: ", ")
  }

  /// Two digits or three, and a power of thousand.
  private static func figure(_ number: Int) -> String {
    var value = Double(number), unit = 0
    while value >= 999.5 && unit < 4 { (value, unit) = (value / 1000, unit + 1) }
    let digits = value < 9.95 && unit > 0 ? (value * 10).rounded() / 10 : value.rounded()
    let text = digits == digits.rounded() ? "\(Int(digits))" : "\(digits)"
    return text + " " + ["", "k", "M", "G", "T"][unit]
  }

  /// A text in quotes; only the quotes, backslashes and line breaks mean something in them.
  private static func dotText(_ text: String) -> String {
    "\""
      + text.unicodeScalars.map { scalar in
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        default: String(scalar)
        }
      }.joined() + "\""
  }
}
