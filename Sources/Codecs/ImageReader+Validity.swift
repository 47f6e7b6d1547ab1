internal import CodecShims
import Pictures
import Platform

extension ImageReader {
  /// Which pixels of the current page count, as the file and the options say.
  ///
  /// - Parameter page: Its place in the file, from 0.
  func validity(of page: Int) throws -> Validity {
    var validity = Validity()
    switch options.nodata {
    case .number(let value): validity.nodata = value
    case .nan: validity.nodata = .nan
    case .none: break
    case .asInFile:
      validity.nodata = fileNodata
      if mayHaveMask && !options.passesMasksBy, let mask = try fileMask() { validity.masks.append(mask) }
    }
    if !options.masks.isEmpty {
      validity.masks.append(options.masks.count == pageCount ? options.masks[page] : options.masks[0])
    }
    return validity
  }

  /// The number that the file says stands for no data; nil if there is none, or none that samples in memory can be.
  public var fileNodata: Double? {
    let item = metadata.items.first { $0.kind == .tiff && $0.tag == GDALMetadata.nodataTag }
    guard let item, let value = GDALMetadata.number(item.text) else { return nil }
    // An index of a palette is no colour, and ink no light.
    if fileColor.hasPrefix("palette") || metadata.tiff.isInverted { return nil }
    // Fewer bits than bytes hold are spread.
    let isSpread = description.stored == nil && description.sampleType == .uint8 && fileBits < 8
    return isSpread ? value * (255 / Double(1 << fileBits - 1)) : value
  }

  /// Whether there are directories in the file that are no pages.
  private var mayHaveMask: Bool { decoder.header.tiff_left_out > 0 }

  /// Whether the current page has a mask of its own in the file.
  public var hasFileMask: Bool {
    mayHaveMask && ((try? format.codec.maskDecoder(of: file, pageIndex)) ?? nil) != nil
  }

  /// The current page's own mask; nil if it has none.
  private func fileMask() throws -> Mask? {
    guard let decoder = try format.codec.maskDecoder(of: file, pageIndex) else { return nil }
    do {
      return try Mask(reading: DecoderRows(decoder), isOfFile: true)
    } catch let error as ImbrexError {
      throw error.prefixed("its mask: ")
    }
  }
}

/// A decoder's current page.
private final class DecoderRows: RowSource, @unchecked Sendable {
  let description: ImageDescription
  private let decoder: any PictureDecoder

  init(_ decoder: any PictureDecoder) {
    self.decoder = decoder
    description = ImageDescription(decoder.header)
  }

  func select(_ window: Region) { preconditionFailure("a mask is read whole") }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try decoder.read(into: rows, stride: stride, count: count)
  }
}
