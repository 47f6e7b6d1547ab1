package import Imbrex

// What of a picture counts: `--mask` and `--nodata`, and how it is told.

extension OptionValues {
  /// What `--nodata` asks for.
  var nodata: ImageReader.Nodata { text("nodata").flatMap(OptionText.nodata) ?? .asInFile }
}

extension OptionText {
  /// A number, `nan` or `none`.
  package static func nodata(_ text: String) -> ImageReader.Nodata? {
    switch text {
    case "none": ImageReader.Nodata.none
    case "nan": .nan
    default: Double(text).flatMap { $0.isNaN ? nil : .number($0) }
    }
  }
}

extension Mask {
  /// The masks of all pages of a file.
  static func all(of path: String) throws -> [Mask] {
    do {
      var options = ImageReader.Options()
      (options.nodata, options.passesMasksBy) = (ImageReader.Nodata.none, true)
      let reader = try ImageReader(path: path, options: options)
      var masks: [Mask] = []
      repeat { masks.append(try Mask(reading: reader)) } while try reader.nextPage()
      return masks
    } catch let error as ImbrexError {
      throw error.prefixed("\(path): ")
    }
  }
}

extension Validity {
  /// What does not count, for people: "nodata -9999, what the mask leaves out"; nil where all counts.
  var text: String? {
    let parts =
      [nodata.map { "nodata \($0.isFinite ? shortest($0) : "\($0)")" }].compactMap { $0 }
      + masks.map { $0.isOfFile ? "what its own mask leaves out" : "what the mask leaves out" }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
