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
  private let template: [Part]
  private let filter: String

  private enum Part: Equatable { case text(String), stem, ext, name, filter }

  /// - Parameters:
  ///   - directory: Where outputs go.
  ///   - format: Of all outputs; nil: by each input's extension.
  ///   - filter: The filter's name, for the template.
  ///   - template: A name with `{stem}`, `{ext}`, `{name}` and `{filter}`; nil: `{stem}.{ext}`.
  /// - Throws: ``ImbrexError`` for a template with other fields, a slash, or none that tells files apart.
  public init(directory: String, format: ImageFormat?, template: String?, filter: String) throws {
    self.directory = directory.hasSuffix("/") ? directory : directory + "/"
    self.format = format
    self.filter = filter
    self.template = try template.map(Self.parse) ?? [.stem, .text("."), .ext]
  }

  private static func parse(_ template: String) throws -> [Part] {
    func fail(_ why: String) -> ImbrexError {
      ImbrexError(option: "name", "is '\(template)', \(why) ({stem}, {ext}, {name}, {filter})")
    }
    var parts: [Part] = []
    var rest = template[...]
    while let open = rest.firstIndex(of: "{") {
      if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
      guard let close = rest[open...].firstIndex(of: "}") else { throw fail("but a brace is not closed") }
      switch rest[rest.index(after: open)..<close] {
      case "stem": parts.append(.stem)
      case "ext": parts.append(.ext)
      case "name": parts.append(.name)
      case "filter": parts.append(.filter)
      case let field: throw fail("but there is no field '{\(field)}'")
      }
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.text(String(rest))) }
    let isPath = parts.contains { if case .text(let text) = $0 { text.contains("/") } else { false } }
    if isPath { throw fail("but a name has no slash: use -o DIRECTORY/") }
    guard parts.contains(.stem) || parts.contains(.name) else { throw fail("which is the same for all files") }
    return parts
  }

  /// The path of the output for the part of an input's path that is kept.
  func path(for kept: String) -> String {
    let slash = kept.utf8.lastIndex(of: 0x2F)
    let folder = slash.map { String(kept[...$0]) } ?? ""
    let name = slash.map { String(kept[kept.utf8.index(after: $0)...]) } ?? kept
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
      }
    }.joined()
    // Without an extension there is no dot.
    return directory + folder + (ext.isEmpty && made.hasSuffix(".") ? String(made.dropLast()) : made)
  }
}
