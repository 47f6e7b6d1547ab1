/// Words and lines for a POSIX shell.
enum ShellText {
  /// A word that the shell reads back as it is, whatever characters it has.
  static func word(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "%+,-./:=@_".utf8.contains(byte)
      }
    }
    if isPlain && !text.isEmpty { return text }
    // Scalars, not characters: a quote that a combining mark follows is a quote.
    return "'" + text.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
  }

  /// Words of a command.
  static func line(_ words: [String]) -> String { words.map(word).joined(separator: " ") }

  /// Text for a comment: on one line whatever it has.
  static func comment(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
  }
}
