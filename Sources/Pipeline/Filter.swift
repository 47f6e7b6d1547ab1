public import Pictures

/// Something that makes a picture, or a table, from a picture: a stage of a chain as its user sees it.
public protocol Filter: Sendable {
  /// What comes out for an input, if it may be of any type. Of a filter that makes a table, the input itself.
  func outputDescription(for input: ImageDescription) -> ImageDescription
  /// What the filter is for one kind of input: what is run on tiles, in order.
  ///
  /// - Throws: ``ImbrexError`` for options that do not suit the picture.
  func stages(for input: ImageDescription) throws -> [Stage]
  /// Whether samples are 0 or the largest and nothing between, so that lossy compression would spoil the picture.
  var makesTwoLevels: Bool { get }
  /// Whether floats come out in the units of the input's file, instead of 1.0 for its largest number.
  var preservesRange: Bool { get }
  /// Whether samples measure what the input's do, so that a value of it means the same in the result.
  var keepsQuantity: Bool { get }
}

extension Filter {
  public var makesTwoLevels: Bool { false }
  public var preservesRange: Bool { false }
  /// The number that stands for 1.0 in floats that come out.
  package func valueOfOne(_ input: ImageDescription) -> Float { preservesRange ? Float(input.valueOfOne) : 1 }
  public var keepsQuantity: Bool { false }
}

/// A filter that makes a table of a picture: the last of its chain.
public protocol TableFilter: Filter {
  /// Names of the table's columns.
  var tableColumns: [String] { get }
  /// A copy of the picture, in colour, with what is in the table drawn on it.
  ///
  /// - Parameter picture: What the table was made of, or the part of it that begins at `origin`.
  func draw(_ table: Table, on picture: Picture, origin: (y: Int, x: Int)) throws -> Picture
}

/// A filter's part that the engine runs.
public enum Stage: Sendable {
  /// Tile → tile, as rows come and go.
  case stencil(any Stencil, making: ImageDescription)
  /// Tile → partial; a table is made of all partials. The last stage.
  case table(any TableAnalysis)
  /// Tile → partial, which is what is wanted. The last stage.
  case measure(any Analysis)
  /// Takes the whole picture in one sweep; the next sweep begins with what it makes of that.
  case whole(any WholeStage)
}

/// What planning needs to know of a stage.
public struct StageShape: Sendable {
  /// The name of its filter.
  public var filter: String
  public let halo: Halo
  /// As ``Stencil/needsWholePicture``, ``Stencil/needsWholeRows`` and ``Stencil/pixelsPerTile``.
  public let needsWholePicture: Bool
  public let needsWholeRows: Bool
  public let pixelsPerTile: Int?
  /// Nil for a stage that makes a partial of each tile, not a tile.
  public let output: ImageDescription?

  /// - Parameters:
  ///   - filter: Its name, for times and plans.
  ///   - halo: Ghosts in pixels; see ``Stencil/halo``.
  ///   - needsWholePicture: See ``Stencil/needsWholePicture``.
  ///   - needsWholeRows: See ``Stencil/needsWholeRows``.
  ///   - pixelsPerTile: See ``Stencil/pixelsPerTile``.
  ///   - output: What comes out; nil: a partial of each tile.
  public init(
    filter: String = "", halo: Halo, needsWholePicture: Bool = false, needsWholeRows: Bool = false,
    pixelsPerTile: Int? = nil, output: ImageDescription?
  ) {
    self.filter = filter
    self.halo = halo
    self.needsWholePicture = needsWholePicture
    self.needsWholeRows = needsWholeRows
    self.pixelsPerTile = pixelsPerTile
    self.output = output
  }

  init(_ stencil: any Stencil, of filter: String = "", making output: ImageDescription) {
    self.init(
      filter: filter, halo: stencil.halo, needsWholePicture: stencil.needsWholePicture,
      needsWholeRows: stencil.needsWholeRows, pixelsPerTile: stencil.pixelsPerTile, output: output)
  }

  init(_ analysis: any Analysis, of filter: String = "") {
    self.init(filter: filter, halo: analysis.halo, needsWholePicture: analysis.needsWholePicture, output: nil)
  }
}

/// A stage that must see the whole picture before its first pixel can come out.
public protocol WholeStage: Sendable {
  /// What a run of it holds, for the plan.
  var held: [Held] { get }
  /// Passes over what is held, between the sweeps, and what they are for: "three for the quantiles"; 0: none.
  var extraPasses: (count: Int, purpose: String) { get }
  /// The stage that the next sweep begins with.
  var next: StageShape { get }
  /// How it is done where the picture is in parts; nil: it cannot be.
  var exchange: (any Exchange)? { get }
  /// The same of what it makes, where that is a table.
  var tableExchange: (any TableExchange)? { get }
  /// The part of its input that a part of what it makes needs; nil: all.
  func inputWindow(for window: Region) -> Region?
  /// Begins a run.
  ///
  /// - Parameter picture: The whole input, where it is in memory already; the run's sink is then not used.
  func begin(with picture: Picture?, in context: RunContext) throws -> any WholeRun
}

extension WholeStage {
  public var extraPasses: (count: Int, purpose: String) { (0, "") }
  public var exchange: (any Exchange)? { nil }
  public var tableExchange: (any TableExchange)? { nil }
  public func inputWindow(for window: Region) -> Region? { nil }
}

/// One picture's way through a ``WholeStage``.
public protocol WholeRun: AnyObject, Sendable {
  /// Where the picture's rows go.
  var sink: any RowSink { get }
  /// All rows have been taken (or the picture was there from the beginning).
  ///
  /// - Returns: What the next sweep reads, and its first stage, which is no other whole stage.
  func finish(in context: RunContext) throws -> (input: SweepInput, stage: Stage)
}

/// Something that a run holds whole.
public struct Held: Equatable, Sendable {
  /// In words: "the picture", "two bits a pixel".
  public let name: String
  /// Bytes of it, in memory or in a temporary file.
  public let byteCount: Int

  /// - Parameters:
  ///   - name: In words, for `--explain`.
  ///   - byteCount: Bytes of all of it.
  public init(_ name: String, byteCount: Int) { (self.name, self.byteCount) = (name, byteCount) }
}

/// A stage of one sweep, ready to run.
enum SweepStage: Sendable {
  case stencil(any Stencil)
  case analysis(any Gathering)
}

/// What a sweep reads.
public enum SweepInput: Sendable {
  /// Decoded as it is needed.
  case stream(any RowSource)
  case picture(Picture)
  /// Nothing: the first stage makes pixels of its own, of a picture of this description.
  case none(ImageDescription)

  public var description: ImageDescription {
    switch self {
    case .stream(let source): source.description
    case .picture(let picture): picture.description
    case .none(let description): description
    }
  }
}
