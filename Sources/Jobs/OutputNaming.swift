public import Codecs
import Pipeline
import Platform

/// How an input's result is named in the directory of outputs.
public struct OutputNaming: Sendable {
  /// Ends with a slash.
  public let directory: String
  /// The format asked for; nil: the input's, as far as its name says.
  public let format: ImageFormat?
  /// A format for inputs whose own cannot hold the result (`--float`).
  public var formatForFloat: ImageFormat?
  /// A format for inputs whose own would spoil the result (edges in a JPEG).
  public var formatForLossless: ImageFormat?
  /// An extension instead, for outputs that are no pictures.
  public var fixedExtension: String?
  /// What inputs' paths are kept below, where that is not what was named (`--base`).
  public var base: String?
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
  public init(
    directory: String, format: ImageFormat?, template: String?, filter: String, fields: NameFields = NameFields()
  ) throws {
    self.directory = directory.hasSuffix("/") ? directory : directory + "/"
    self.format = format
    self.filter = filter
    self.template = try template.map { try NamePart.parts(of: $0, fields) } ?? [.stem, .text("."), .ext]
  }

  /// Whether each page is a file of its own.
  public var isPaged: Bool { template.contains(where: \.isPage) }

  /// The path of the output of an input, of which a part is kept.
  ///
  /// - Parameter page: From 1; nil: what stands for it in the template.
  func path(for input: (path: String, kept: String), page: Int? = nil) -> String {
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
      case .page(let digits): page.map { NamePart.number($0, digits: digits) } ?? part.field
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

/// A piece of a template of names.
enum NamePart: Equatable {
  case text(String)
  case stem, ext, name, filter, directory
  /// With zeros before it, to so many digits.
  case page(digits: Int)

  var isPage: Bool { if case .page = self { true } else { false } }
  /// As it stands in a template, for names that are not yet known.
  var field: String { if case .page(let digits) = self { digits > 1 ? "{page:\(digits)}" : "{page}" } else { "" } }

  static func number(_ page: Int, digits: Int) -> String {
    let text = String(page)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
  }

  /// - Throws: ``ImbrexError`` that lists the fields there are.
  static func parts(of template: String, _ fields: NameFields) throws -> [NamePart] {
    func fail(_ why: String) -> ImbrexError {
      let known = ["stem", "ext", "name", "dir", "page", "filter"] + fields.names
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
    case "page": self = .page(digits: 1)
    default:
      guard field.hasPrefix("page:"), field.utf8.count == 6, let digits = Int(field.dropFirst(5)), digits > 0 else {
        return nil
      }
      self = .page(digits: digits)
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
