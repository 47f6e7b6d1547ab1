import Imbrex

/// `imbrex info`: what files hold.
struct InfoCommand {
  private let inputs: [String]
  private let json: Bool
  private let isConfined: Bool

  init(_ line: ParsedLine) throws {
    if line.inputs.isEmpty && isTerminal(0) { throw ImbrexError(.usage, "no input: name a picture, or pipe one in") }
    inputs = line.inputs.isEmpty ? ["-"] : line.inputs
    json = line.options.flag("json")
    isConfined = !line.options.flag("no-sandbox")
  }

  func run() throws {
    var confinement = Confinement(isOff: !isConfined, isVerbose: false), places = InputPlaces(), failed = false
    inputs.forEach { places.add(file: $0) }
    confinement.reads(places)
    confinement.enter()
    for (index, input) in inputs.enumerated() {
      do {
        if json {
          print(try jsonLine(input))
        } else {
          Messages.show(try table(input) + (index == inputs.count - 1 ? "" : "\n"))
        }
      } catch let error as ImbrexError {
        Messages.report(messageText(error), file: input)
        failed = true
      }
    }
    if failed { throw BatchFailure(status: 1) }
  }

  private func open(_ input: String) throws -> ImageReader {
    var options = ImageReader.Options()
    // Nothing is decoded, so nothing is too large.
    options.maxPixels = Int.max
    options.maxMemory = 0
    options.passesMasksBy = true
    return try ImageReader(path: input, options: options)
  }

  private func pages(_ reader: ImageReader) throws -> [ImageSummary] {
    var pages = [ImageSummary(reader)]
    while try reader.nextPage() { pages.append(ImageSummary(reader)) }
    return pages
  }

  private func jsonLine(_ input: String) throws -> String {
    let reader = try open(input)
    let pages = try pages(reader)
    func object(_ page: ImageSummary) -> [(String, JSONValue)] { page.fields.map { ($0.name, $0.value.json) } }
    var members: [(String, JSONValue)] = [
      ("file", .string(input)), ("format", .string(reader.format.name)),
      ("bytes", reader.byteCount.map { .integer($0) } ?? .null), ("pages", .integer(pages.count)),
      ("passed_over", .integer(reader.leftOut)),
    ]
    if let axes = pages[0].axes(pages: pages.count) {
      members += [("axes", .string(axes.names)), ("shape", .array(axes.lengths.map(JSONValue.integer)))]
    }
    members += object(pages[0])
    members.append(("page_list", .array(pages.map { .object(object($0)) })))
    return JSONValue.object(members).description
  }

  private func table(_ input: String) throws -> String {
    let reader = try open(input)
    let pages = try pages(reader)
    // A name with line breaks is one line too.
    var lines = [input == "-" ? "standard input" : PathText.printable(input)]
    func line(_ name: String, _ value: String) {
      let label = String(name.map { $0 == "_" ? " " : $0 }) + ":"
      lines.append("  \(label)\(String(repeating: " ", count: max(18 - label.count, 1)))\(value)")
    }
    line("format", reader.format.name)
    if let count = reader.byteCount { line("bytes", String(count)) }
    if reader.format.holdsPages { line("pages", String(pages.count)) }
    if reader.leftOut > 0 { line("passed_over", "\(reader.leftOut) reduced versions or masks") }
    if let axes = pages[0].axes(pages: pages.count) {
      line("axes", "\(axes.names): \(axes.lengths.map(String.init).joined(separator: " × "))")
    }
    for (number, page) in pages.enumerated() {
      if pages.count > 1 { lines.append("  page \(number + 1)") }
      for field in page.fields where field.value.isWorthShowing(as: field.name) {
        line((pages.count > 1 ? "  " : "") + field.name, field.value.text)
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension ImageSummary.Value {
  var json: JSONValue {
    switch self {
    case .text(let text): .string(text)
    case .number(let number): .number(number)
    case .flag(let flag): .bool(flag)
    case .extent(let width, let height): .object([("width", .integer(width)), ("height", .integer(height))])
    case .list(let values): .array(values.map(\.json))
    }
  }

  var text: String {
    switch self {
    case .text(let text): String(text.map { $0.isNewline ? " " : $0 })
    case .number(let number): shortest(number)
    case .flag(let flag): flag ? "yes" : "no"
    case .extent(let width, let height): "\(width) x \(height)"
    case .list(let values): values.map(\.text).joined(separator: ", ")
    }
  }

  /// Whether it says more than that there is nothing.
  fileprivate func isWorthShowing(as name: String) -> Bool {
    switch self {
    case .list(let values): !values.isEmpty
    case .number(let number): name != "extra_bands" || number > 0
    case .text(let text): name != "alpha" || text != "none"
    case .flag, .extent: true
    }
  }
}
