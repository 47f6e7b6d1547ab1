import Pictures
import Pipeline

/// Canny's last step over a whole picture: of the labels that ``CannyStencil`` gives, the weak ones that are connected to a strong
/// one become edges.
struct Hysteresis: WholeStage {
  /// One byte a pixel; what comes in and what goes out.
  private let picture: ImageDescription

  init(_ picture: ImageDescription) { self.picture = picture }

  var held: [Held] { [Held("two bits a pixel", byteCount: picture.pixelCount / 4)] }
  var next: StageShape { StageShape(halo: .none, output: picture) }
  var exchange: (any Exchange)? { HysteresisExchange(picture: picture) }

  func begin(with picture: Picture?, in context: RunContext) throws -> any WholeRun {
    try Run(
      map: EdgeMap(
        width: self.picture.width, height: self.picture.height, maxMemory: context.maxHeld),
      picture: self.picture)
  }

  private final class Run: WholeRun {
    private let map: EdgeMap
    private let picture: ImageDescription

    init(map: EdgeMap, picture: ImageDescription) { (self.map, self.picture) = (map, picture) }

    var sink: any RowSink { map }

    func finish(in context: RunContext) throws -> (input: SweepInput, stage: Stage) {
      map.finish(on: context.pool, workers: context.workers)
      return (.none(picture), .stencil(EdgeMapStencil(map: map), making: picture))
    }
  }
}

/// Makes the pixels of a finished map.
struct EdgeMapStencil: Stencil {
  let map: EdgeMap
  /// The picture's row that the map begins with.
  var firstRow = 0

  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      map.emit(row: y - firstRow, columns: region.x..<region.endX, into: output.row(y).samples() + region.x)
    }
  }
}
