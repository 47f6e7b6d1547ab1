public import Pictures
public import Pipeline

/// Detectors that differ in their thresholds only: smoothing, gradient and thinning are one, and all hysteresis is cuts of one tree
/// of components (``ThinnedTree``).
extension Edge: SharedFilter {
  public var commonKey: String {
    "\(sigmaY) \(sigmaX) \(usesQuantiles) \(boundary) \(constant) \(isLinear)"
  }

  public func stages(of filters: [any SharedFilter], for input: ImageDescription) throws -> SharedStages {
    let edges = filters.map { $0 as! Edge }
    // What does not suit the picture is said of each alike.
    _ = try stages(for: input)
    let thresholds = edges.map { (low: $0.low, high: $0.high) }
    let ladder = ThresholdLadder(usesQuantiles ? nil : thresholds)
    let rungs = ThinnedRungs.output(input)
    let first: Stage =
      usesQuantiles
      ? .whole(
        QuantileThresholds(self, input, thresholds.flatMap { [$0.low, $0.high] }, making: rungs) { values in
          ladder.set(stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) })
          return ThinnedRungs(self, input, ladder)
        })
      : .stencil(ThinnedRungs(self, input, ladder), making: rungs)
    return .fork([first], ThinnedFork(ladder, outputDescription(for: input)))
  }
}

/// The thinned gradient: of each pixel that survives thinning the rung of its magnitude, 0 elsewhere.
struct ThinnedRungs: Stencil {
  private let thinning: CannyStencil
  private let values: [Double]

  init(_ edge: Edge, _ input: ImageDescription, _ ladder: ThresholdLadder) {
    values = ladder.values
    // The least threshold, as it is: it has been a 32-bit float already.
    thinning = CannyStencil(edge, input, weakest: values.first ?? 0, high: .infinity)
  }

  static func output(_ input: ImageDescription) -> ImageDescription {
    ImageDescription(width: input.width, height: input.height, color: .gray, sampleType: .uint16)
  }

  var halo: Halo { thinning.halo }
  var needsWholePicture: Bool { thinning.needsWholePicture }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    thinning.visit(region, from: source, scratch: scratch) { y, block, rows in
      scratch.frame {
        let labels = scratch.allocate(block.width, of: UInt8.self)
        thinning.thin(y, of: block, rows, into: labels, scratch: scratch)
        let rungs: UnsafeMutablePointer<UInt16> = output.row(y).samples() + block.x
        let magnitudes = rows.magnitude(y) + (block.x - rows.firstColumn)
        rungs.update(repeating: 0, count: block.width)
        // Few pixels survive: eight that do not are passed over at once.
        var x = 0
        while x < block.width {
          let end = min(x + 8, block.width)
          if end - x == 8, UnsafeRawPointer(labels + x).loadUnaligned(as: UInt64.self) == 0 {
            x = end
            continue
          }
          for x in x..<end where labels[x] != 0 { rungs[x] = rung(of: magnitudes[x]) }
          x = end
        }
      }
    }
  }

  private func rung(of magnitude: Double) -> UInt16 {
    var low = 0, high = values.count
    while low < high {
      let middle = (low + high) / 2
      if values[middle] <= magnitude { low = middle + 1 } else { high = middle }
    }
    return UInt16(low)
  }
}

/// Hysteresis for several pairs of thresholds.
struct ThinnedFork: ForkStage {
  private let ladder: ThresholdLadder
  private let picture: ImageDescription

  init(_ ladder: ThresholdLadder, _ picture: ImageDescription) { (self.ladder, self.picture) = (ladder, picture) }

  /// A fifth of the pixels is much for thin lines.
  var held: [Held] { [Held("the thinned gradient", byteCount: picture.pixelCount / 5 * ThinnedTree.bytesPerPixel)] }
  var next: StageShape { StageShape(halo: .none, output: picture) }

  func begin(in context: RunContext) throws -> any ForkRun {
    Run(ThinnedTree(picture.width, picture.height, ladder.pairs, maxMemory: context.maxHeld), ladder, picture)
  }

  private final class Run: ForkRun {
    private let tree: ThinnedTree
    private let pairs: [ThresholdLadder.Pair]
    private let picture: ImageDescription
    /// The highest low thresholds first: components only grow from one to the next.
    let order: [Int]

    init(_ tree: ThinnedTree, _ ladder: ThresholdLadder, _ picture: ImageDescription) {
      let pairs = ladder.pairs
      (self.tree, self.pairs, self.picture) = (tree, pairs, picture)
      order = pairs.indices.sorted { (pairs[$1].low, $0) < (pairs[$0].low, $1) }
    }

    var sink: any RowSink { tree }

    func finish(_ index: Int, in context: RunContext) throws -> (input: SweepInput, stage: Stage) {
      try tree.cut(at: pairs[index].low, in: context)
      return (.none(picture), .stencil(ThinnedCut(tree: tree, high: pairs[index].high), making: picture))
    }
  }
}

/// The edges of one pair of thresholds.
private struct ThinnedCut: Stencil {
  let tree: ThinnedTree
  let high: UInt16

  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      tree.emit(row: y, columns: region.x..<region.endX, reaching: high, into: output.row(y).samples())
    }
  }
}
