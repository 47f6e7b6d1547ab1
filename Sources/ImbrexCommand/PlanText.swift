import Imbrex

extension Plan {
  /// The sweep that does most of the work: the one whose tiles need the most ghosts.
  var mainSweep: SweepPlan {
    func reach(_ sweep: SweepPlan) -> Int { sweep.steps.map { $0.halo.top + $0.halo.bottom }.max() ?? -1 }
    return sweeps.reduce(sweeps[0]) { reach($1) > reach($0) ? $1 : $0 }
  }

  /// Ghosts' share of the work, over all stages, in percent.
  var extraWorkPercent: Double {
    let stages = sweeps.reduce(0) { $0 + $1.steps.count }
    return stages == 0 ? 0 : percent(sweeps.reduce(0) { $0 + $1.extraWork * Double($1.steps.count) } / Double(stages))
  }

  /// What is read of the input, where a region of the output is wanted.
  var windowRead: Region? { region == nil ? nil : sweeps.first?.levels.first?.window }

  /// Passes over the picture, and what is held of it.
  var passesText: String {
    let (count, purposes) = passes
    if count == 1 && held.isEmpty { return "streamed in one pass" }
    let numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    let number = count < numbers.count ? numbers[count] : String(count)
    let purpose = purposes.isEmpty ? "" : " (\(purposes.joined(separator: ", ")))"
    let parts = held.map { held in
      let place = held.byteCount > maxHeld ? "a temporary file, past --max-memory" : "memory"
      return "\(held.name) held in \(place) (\(max(held.byteCount >> 20, 1)) MiB)"
    }
    return (["\(number) \(count == 1 ? "pass" : "passes")\(purpose)"] + parts).joined(separator: "; ")
  }

  /// `2 workers, 8 × 1 tiles, halo 4,4`
  var summary: String {
    let sweep = mainSweep, (rows, columns) = (sweep.gridSize.rows, sweep.gridSize.columns)
    return "\(sweep.workers) \(sweep.workers == 1 ? "worker" : "workers"), \(rows) × \(columns) "
      + "\(rows * columns == 1 ? "tile" : "tiles"), halo \(max(halo.top, halo.bottom)),\(max(halo.left, halo.right))"
  }
}

extension SweepPlan {
  /// Tiles, and the pixels of each but the last.
  var gridSize: (rows: Int, columns: Int, tileHeight: Int, tileWidth: Int) {
    let window = levels[levels.count - 1].window
    return (
      grid.bands(of: window).count, grid.columns(of: window).count, min(grid.bandHeight, window.height),
      min(grid.tileWidth, window.width)
    )
  }

  /// `8 × 1 tiles of 512 × 4096 pixels`
  var gridText: String {
    let size = gridSize
    return "\(size.rows) × \(size.columns) tiles of \(size.tileHeight) × \(size.tileWidth) pixels"
  }
}

extension ImageDescription {
  /// `4096 × 4096 rgb uint8`
  var summary: String {
    "\(width) × \(height) \(color.rawValue)\(extraBands == 0 ? "" : " + \(extraBands) bands")"
      + "\(alpha == .none ? "" : " + alpha") \(sampleTypeName)"
  }
}

extension RunStatistics.Work {
  /// As `-v` calls it.
  ///
  /// - Parameter isChain: Whether there are several filters to be told apart.
  func name(isChain: Bool) -> String {
    switch self {
    case .decoding: "decoding"
    case .filtering(let filter): isChain ? filter : "filtering"
    case .encoding: "encoding"
    case .waiting: "waiting"
    }
  }
}

func milliseconds(_ seconds: Double) -> String { String(Int((seconds * 1000).rounded())) }

/// A share in percent, with one decimal.
func percent(_ share: Double) -> Double { (share * 1000).rounded() / 10 }
