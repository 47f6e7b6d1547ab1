import Imbrex

extension Plan {
  /// What `--explain` prints: what a run would do.
  func explanation(of reader: ImageReader, input: String) -> String {
    let sweep = mainSweep
    var lines = [
      "input:      \(input == "-" ? "standard input" : input), \(reader.description.summary), \(reader.format.name)"
        + (reader.decodesInOrder ? "" : " (held whole by its decoder)"),
      "filter:     \(name)",
    ]
    if let region { lines.append("region:     \(region.width)x\(region.height)+\(region.x)+\(region.y)") }
    if region != nil, let read = sweeps.first?.levels.first?.window {
      lines.append("read:       \(read.width) × \(read.height) pixels from column \(read.x), row \(read.y)")
    }
    lines += [
      "passes:     \(passesText)",
      "workers:    \(sweep.workers)",
      "grid:       \(sweep.gridText)",
      "halo:       \(halo.top) above, \(halo.bottom) below, \(halo.left) left, \(halo.right) right",
      "extra work: \(shortest((extraWork * 1000).rounded() / 10)) % of the pixels are read more than once",
      "memory:     \((memory + (1 << 20) - 1) >> 20) MiB of bands",
      "kernels:    \(kernelBuildName)",
    ]
    if sweeps.reduce(0, { $0 + $1.steps.count }) > 1 {
      for (number, sweep) in sweeps.enumerated() {
        let stages = sweep.steps.map { step in
          "\(step.shape.filter) (halo \(max(step.halo.top, step.halo.bottom)),\(max(step.halo.left, step.halo.right)))"
        }
        let name = "sweep \(number + 1):"
        lines.append(
          name + String(repeating: " ", count: 12 - name.count)
            + (stages.isEmpty ? "reads the picture" : stages.joined(separator: ", then ")) + "; \(sweep.gridText)")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The sweep that does most of the work: the one whose tiles need the most ghosts.
  var mainSweep: SweepPlan {
    func reach(_ sweep: SweepPlan) -> Int { sweep.steps.map { $0.halo.top + $0.halo.bottom }.max() ?? -1 }
    return sweeps.reduce(sweeps[0]) { reach($1) > reach($0) ? $1 : $0 }
  }

  /// Ghosts' share of the work, over all stages.
  private var extraWork: Double {
    let stages = sweeps.reduce(0) { $0 + $1.steps.count }
    return stages == 0 ? 0 : sweeps.reduce(0) { $0 + $1.extraWork * Double($1.steps.count) } / Double(stages)
  }

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
    let sweep = mainSweep, window = sweep.levels[sweep.levels.count - 1].window
    let (rows, columns) = (sweep.grid.bands(of: window).count, sweep.grid.columns(of: window).count)
    return "\(sweep.workers) \(sweep.workers == 1 ? "worker" : "workers"), \(rows) × \(columns) "
      + "\(rows * columns == 1 ? "tile" : "tiles"), halo \(max(halo.top, halo.bottom)),\(max(halo.left, halo.right))"
  }
}

extension SweepPlan {
  /// `8 × 1 tiles of 512 × 4096 pixels`
  fileprivate var gridText: String {
    let window = levels[levels.count - 1].window
    return "\(grid.bands(of: window).count) × \(grid.columns(of: window).count) tiles of "
      + "\(min(grid.bandHeight, window.height)) × \(min(grid.tileWidth, window.width)) pixels"
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
