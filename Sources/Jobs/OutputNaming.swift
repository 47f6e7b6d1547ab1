package import Codecs
import Pipeline
import Platform

/// How an input's result is named in the directory of outputs.
package struct OutputNaming: Sendable {
  /// Ends with a slash.
  package let directory: String
  /// The format asked for; nil: the input's, as far as its name says.
  package let format: ImageFormat?
  /// A format for inputs whose own cannot hold the result (`--float`).
  package var formatForFloat: ImageFormat?
  /// A format for inputs whose own would spoil the result (edges in a JPEG).
  package var formatForLossless: ImageFormat?
  /// An extension instead, for outputs that are no pictures.
  package var fixedExtension: String?
  /// What inputs' paths are kept below, where that is not what was named (`--base`).
  package var base: String?
  private let template: [NamePart]
  private let filter: String
  private let roots = RootNames()

  /// - Parameters:
  ///   - directory: Where outputs go.
  ///   - format: Of all outputs; nil: by each input's extension.
  ///   - template: A name with fields in braces; nil: `{stem}.{ext}`.
  ///   - filter: The filter's name, for the template.
  ///   - fields: Options' values, for the template.
  /// - Throws: ``ImbrexError`` for a template with other fields, a slash, or none that tells files apart.
  package init(
    directory: String, format: ImageFormat?, template: String?, filter: String, fields: NameFields = NameFields()
  ) throws {
    self.directory = directory.hasSuffix("/") ? directory : directory + "/"
    self.format = format
    self.filter = filter
    self.template = try template.map { try NamePart.parts(of: $0, fields) } ?? [.stem, .text("."), .ext]
  }

  /// Whether a file is named as its input is.
  var keepsNames: Bool {
    format == nil && formatForFloat == nil && formatForLossless == nil && fixedExtension == nil && base == nil
      && template == [.stem, .text("."), .ext]
  }

  /// Whether each page is a file of its own.
  package var isPaged: Bool { template.contains(where: \.isPage) }

  /// The axes of a stack whose places are in names.
  package var namedAxes: [Character] {
    template.compactMap { if case .axis(let axis, _) = $0 { axis } else { nil } }
  }

  /// The path of the output of an input, of which a part is kept.
  ///
  /// - Parameter page: Nil: what stands for it in the template.
  func path(for input: (path: String, kept: String), page: PageLabel? = nil) -> String {
    let kept = input.kept
    let (folder, name) = PathText.split(kept)
    // A name that begins with its only dot has no extension.
    let dot = name.utf8.lastIndex(of: 0x2E).flatMap { $0 == name.startIndex ? nil : $0 }
    let stem = dot.map { String(name[..<$0]) } ?? name
    let own = dot.map { String(name[name.utf8.index(after: $0)...]) } ?? ""
    var wanted = format
    if wanted == nil, let formatForFloat, !(ImageFormat(path: name)?.canHoldFloat ?? false) { wanted = formatForFloat }
    if wanted == nil, let formatForLossless, ImageFormat(path: name)?.isLossy ?? false { wanted = formatForLossless }
    let ext =
      fixedExtension
      ?? wanted.map { ImageFormat(named: own) == $0 ? own : $0.extensions[0] } ?? own
    let made = template.map { part in
      switch part {
      case .text(let text): text
      case .stem: stem
      case .ext: ext
      case .name: name
      case .filter: filter
      case .directory: directoryName(input, folder)
      case .page(let digits): page.map { NamePart.number($0.number, digits: digits) } ?? part.field
      case .axis(let axis, let digits): page?.place[axis].map { NamePart.number($0, digits: digits) } ?? part.field
      }
    }.joined()
    // The directories are in the name, and not made as well.
    let place = template.contains(.directory) ? "" : folder
    // Without an extension there is no dot.
    return directory + place + (ext.isEmpty && made.hasSuffix(".") ? String(made.dropLast()) : made)
  }

  /// The directory that was named, and those below it that lead to the file.
  private func directoryName(_ input: (path: String, kept: String), _ folder: String) -> String {
    let root = base ?? String(PathText.text(PathText.bytes(input.path).dropLast(PathText.bytes(input.kept).count)))
    return ([roots.name(of: root)] + PathText.components(folder)).joined(separator: "-")
  }
}

/// What tells a page from others: its number, and its place on each axis of a stack; all from 1.
package struct PageLabel: Sendable {
  package let number: Int
  package let place: [Character: Int]

  package init(_ number: Int, _ place: [Character: Int] = [:]) { (self.number, self.place) = (number, place) }
}

/// A piece of a template of names.
enum NamePart: Equatable {
  case text(String)
  case stem, ext, name, filter, directory
  /// With zeros before it, to so many digits.
  case page(digits: Int)
  /// The place on an axis of a stack, likewise.
  case axis(Character, digits: Int)

  var isPage: Bool {
    switch self {
    case .page, .axis: true
    default: false
    }
  }
  /// As it stands in a template, for names that are not yet known.
  var field: String {
    func field(_ name: String, _ digits: Int) -> String { digits > 1 ? "{\(name):\(digits)}" : "{\(name)}" }
    return switch self {
    case .page(let digits): field("page", digits)
    case .axis(let axis, let digits): field(String(axis), digits)
    default: ""
    }
  }

  static func number(_ page: Int, digits: Int) -> String {
    let text = String(page)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }

  /// - Throws: ``ImbrexError`` that lists the fields there are.
  static func parts(of template: String, _ fields: NameFields) throws -> [NamePart] {
    func fail(_ why: String) -> ImbrexError {
      let known = ["stem", "ext", "name", "dir", "page", "z", "c", "t", "filter"] + fields.names
      return ImbrexError(
        option: "name", "is '\(template)', \(why) (\(known.map { "{\($0)}" }.joined(separator: ", ")))")
    }
    var parts: [NamePart] = []
    var rest = template[...]
    while let open = rest.firstIndex(of: "{") {
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}") else { throw fail("but a brace is not closed") }
      let field = String(rest[rest.index(after: open)..<close])
      guard let part = NamePart(field: field) ?? fields[field].map(NamePart.text) else {
        throw fail("but there is no field '{\(field)}'")
      }
      parts.append(part)
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    let isPath = parts.contains { if case .text(let text) = $0 { text.contains("/") } else { false } }
    if isPath { throw fail("but a name has no slash: use -o DIRECTORY/") }
    let tellsApart = parts.contains { [.stem, .name, .directory].contains($0) || $0.isPage }
    guard tellsApart else { throw fail("which is the same for all files") }
    return parts
  }

  private init?(field: String) {
    switch field {
    case "stem": self = .stem
    case "ext": self = .ext
    case "name": self = .name
    case "filter": self = .filter
    case "dir": self = .directory
    default:
      let parts = field.split(separator: ":", omittingEmptySubsequences: false)
      var digits = 1
      if parts.count == 2 {
        guard parts[1].utf8.count == 1, let number = Int(parts[1]), number > 0 else { return nil }
        digits = number
      }
      guard parts.count <= 2 else { return nil }
      switch parts[0] {
      case "page": self = .page(digits: digits)
      case "z", "c", "t": self = .axis(Character(String(parts[0])), digits: digits)
      default: return nil
      }
    }
  }
}

/// The names that directories have, however they are spelled: that of `.` too.
private final class RootNames: Sendable {
  private let known = Locked([[UInt8]: String]())

  func name(of root: String) -> String {
    let key = PathText.bytes(root)
    return known.withLock { known in
      if let name = known[key] { return name }
      let path = resolvedPath(root.isEmpty ? "." : root) ?? root
      let name = PathText.components(path).last ?? ""
      known[key] = name
      return name
    }
  }
}
