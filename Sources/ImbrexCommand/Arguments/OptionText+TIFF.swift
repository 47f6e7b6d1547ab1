package import Imbrex

/// How a TIFF is wanted, in the words of the command line.
extension OptionText {
  /// A compression, and how hard it is to try.
  package struct Compression {
    package var method: TIFFCompression?
    /// Of deflate …
    package var level: Int?
    /// … and of zstd.
    package var zstdLevel: Int?
  }

  package static let compressionAllowed =
    "\(listed(TIFFCompression.allCases.map(\.rawValue), "or")), or fast, balanced, small or a level 0 … 9 of deflate, "
    + "1 … 22 of zstd, such as zstd:19"

  /// `METHOD`, `LEVEL` or `METHOD:LEVEL`.
  package static func compression(_ text: String) -> Compression? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2 else { return nil }
    if parts.count == 1, let method = TIFFCompression(rawValue: text) { return Compression(method: method) }
    var result = Compression()
    if parts.count == 2 {
      guard let method = TIFFCompression(rawValue: parts[0]), [.deflate, .zstd].contains(method) else { return nil }
      result.method = method
    }
    let word = parts.last!
    if let levels = ["fast": (1, 1), "balanced": (2, 9), "small": (6, 19)][word] {
      (result.level, result.zstdLevel) = levels
      return result
    }
    guard let level = wholeNumber(word) else { return nil }
    let isZstd = result.method == .zstd
    guard isZstd ? (1...22).contains(level) : (0...9).contains(level) else { return nil }
    (result.level, result.zstdLevel) = (isZstd ? nil : level, max(level, 1))
    return result
  }

  package static let levelsAllowed = "keep, drop or a number 1 … 16"

  /// `keep`, `drop` or `N`.
  package static func levels(_ text: String) -> TIFFLevels? {
    if let word = ["keep": TIFFLevels.keep, "drop": .drop][text] { return word }
    return wholeNumber(text).flatMap { 1...16 ~= $0 ? .make($0) : nil }
  }

  package static let cutAllowed = "a height and a width in multiples of 16, such as 256x256, or strips"

  /// `HxW` or `strips`.
  package static func cut(_ text: String) -> TIFFCut? {
    if text == "strips" { return .strips }
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { wholeNumber(String($0)) }
    guard sides.count == 2, let height = sides[0], let width = sides[1],
      [height, width].allSatisfy({ $0 % 16 == 0 && 16...65536 ~= $0 })
    else { return nil }
    return .tiles(height: height, width: width)
  }
}
