/// What becomes of a picture on its way from the file that its metadata were read from: they have to stay true.
public struct PictureChange: Sendable {
  /// As the input's file has it.
  public var input: ImageDescription
  /// How it was turned upright: the orientation, 1 … 8, that it had.
  public var turn = 1
  /// The part that is written, of the turned picture; nil: all of it.
  public var region: Region?
  /// Whether samples measure what the input's do.
  public var keepsQuantity = true
  /// Whether they are in the units of the input's file, though in another type.
  public var preservesRange = false
  /// Whether a number that stands for no data is written down where the input's file does not tell of it.
  public var writesNodata = true
  /// Pages of the input that are written, from 0, of how many …
  public var pages = 0..<1
  /// … of this many that the input has.
  public var pageCount = 1
  /// The pages that are written where they are not in a row: as many as `pages` has, of which then only the number counts.
  public var pageList: [Int]?
  /// Whether that is certain: of a stream it shows at its end.
  public var knowsPages = true
  /// … and which of those written this is.
  public var page = 0
  /// What the first page of the input's file says for all of them, where another is written first.
  public var firstPage: Metadata?
  /// What made the picture, to be written down.
  public var provenance: String?

  /// Nothing has become of it yet: all of one page, upright, in the input's units.
  public init(of input: ImageDescription) { self.input = input }

  /// Whether pixels lie elsewhere than before.
  package var movesPixels: Bool { region != nil || turn != 1 }
  /// The pages that are written, in their order.
  package var pageNumbers: [Int] { pageList ?? Array(pages) }
  package var isOfSomePages: Bool { pages.count != pageCount }

  /// The mask of the input's own file as it is for what is written; nil if there is none, or it was not read.
  package func ownMask() throws -> Mask? {
    guard var mask = input.validity.masks.first(where: \.isOfFile) else { return nil }
    if turn != 1 { mask = try mask.turned(turn) }
    return try region.map { try mask.cropped(to: $0) } ?? mask
  }

  /// What a number in the input's file is multiplied with to be one of the output's.
  package func scale(to output: ImageDescription) -> Double {
    preservesRange ? 1 : output.valueOfOne / input.valueOfOne
  }
}
