/// Letters as strokes, as a pen plotter draws them: ASCII and a little more, for labels of plots and sheets.
package enum StrokeFont {
  struct Glyph {
    /// Capitals are 0 … 6 high, from the top; small letters begin at 2, tails end at 8.
    let strokes: [[StrokePoint]]
    let advance: Double
  }

  /// How wide a text is, with the room behind its last letter.
  ///
  /// - Parameter unit: A sixth of a capital's height.
  package static func width(of text: String, unit: Double) -> Double {
    text.reduce(0) { $0 + glyph($1).advance } * unit
  }

  /// The strokes of each letter of a text, to be drawn by ``paintStrokes(_:width:in:_:)``.
  ///
  /// - Parameter y: Of the line that the letters stand on.
  package static func segments(of text: String, x: Double, y: Double, unit: Double) -> [[StrokeSegment]] {
    var start = x
    return text.map { character in
      let glyph = Self.glyph(character)
      defer { start += glyph.advance * unit }
      return glyph.strokes.flatMap { stroke in
        let points = stroke.map { (x: start + $0.x * unit, y: y + ($0.y - 6) * unit) }
        return points.count == 1 ? [(points[0], points[0])] : Array(zip(points, points.dropFirst()))
      }
    }
  }

  static func glyph(_ character: Character) -> Glyph {
    guard character != " " else { return Glyph(strokes: [], advance: 3) }
    // A letter that is not there is a box.
    let code = glyphs[character] ?? "0040460600"
    let strokes = code.split(separator: " ").map { stroke -> [StrokePoint] in
      let digits = stroke.map { Double($0.wholeNumberValue ?? 0) }
      return stride(from: 0, to: digits.count - 1, by: 2).map { (digits[$0], digits[$0 + 1]) }
    }
    return Glyph(strokes: strokes, advance: (strokes.joined().map(\.x).max() ?? 0) + 2)
  }

  /// Strokes of points, each its column and its row.
  private static let glyphs: [Character: String] = [
    "0": "103041453616050110", "1": "012026 1636", "2": "01103041420646", "3": "0110304142334445361605 2333",
    "4": "36300444", "5": "400002324345361605", "6": "413010010516364544331304", "7": "004026",
    "8": "13020110304142331304051636454433", "9": "423313020110304145361605",
    "a": "4246 4332120305163645", "b": "0006 0312324345361605", "c": "4332120305163645", "d": "4046 4332120305163645",
    "e": "04444332120305163645", "f": "30201116 0232", "g": "4247381807 4332120305163645", "h": "0006 0312324346",
    "i": "0206 00", "j": "121708 10", "k": "0006 4204 1346", "l": "000516", "m": "0206 03122326 23324346",
    "n": "0206 0312324346", "o": "123243453616050312", "p": "0208 0312324345361605", "q": "4248 4332120305163645",
    "r": "0206 031232", "s": "4212031434453606", "t": "10152636 0232", "u": "0205163645 4246", "v": "022642",
    "w": "0216233642", "x": "0246 4206", "y": "0226 4218", "z": "02420646",
    "A": "062046 1434", "B": "00063645443303 3342413000", "C": "4130100105163645", "D": "00062644422000",
    "E": "40000646 0333", "F": "400006 0333", "G": "41301001051636454323", "H": "0006 4046 0343", "I": "0020 1016 0626",
    "J": "4045361605", "K": "0006 4004 1346", "L": "000646", "M": "0600234046", "N": "06004640",
    "O": "203052543626040220", "P": "06003041423303", "Q": "103041453616050110 2446", "R": "06003041423303 2346",
    "S": "413010010213334445361605", "T": "0040 2026", "U": "000516364540", "V": "002640", "W": "0016233640",
    "X": "0046 4006", "Y": "0023 402326", "Z": "00400646", "!": "0004 06", "\"": "0002 2022",
    "#": "1016 3036 0242 0444", "$": "413010010213334445361605 2027", "%": "4006 0010110100 3545463635",
    "&": "460201102031320405162644", "'": "0002", "(": "10020517", ")": "00121507", "*": "2125 0244 4204",
    "+": "0444 2226", ",": "0607", "-": "0434", ".": "06", "/": "4006", ":": "03 06", ";": "03 0607", "<": "410345",
    "=": "0343 0545", ">": "014305", "?": "01103041422324 26", "@": "4616050110304144242242", "[": "10000717",
    "\\": "0046", "]": "00101707", "^": "022042", "_": "0747", "`": "0011", "{": "20111203141627", "|": "0007",
    "}": "00111223141607", "~": "04133443", "×": "0246 4206", "…": "06 26 46",
  ]
}
