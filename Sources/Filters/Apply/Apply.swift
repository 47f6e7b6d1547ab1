public import Pictures
public import Pipeline

import Platform

/// Runs a function of the user's on overlapping tiles: a command, or a plug-in.
///
/// What comes out has the type of samples and the channels that the function makes of the first tile; all others have to agree.
public struct Apply: ProbedFilter {
  let function: any TileFunction
  /// Ghosts that each tile is given.
  public let halo: Halo
  /// Whether a sample of tiles is looked at for seams.
  let checksSeams: Bool
  private let idle = IdleRunners()
  private let tried = TriedKinds()
  /// Whether what comes out is taken to be like what goes in.
  private var isAssumed = false
  private var probe: TileProbe?

  /// - Parameters:
  ///   - function: What is run on each tile, on as many workers at once as the run has.
  ///   - halo: Ghosts in pixels, on each side at least; the function's own ``TileFunction/halo`` where that is more.
  ///   - checksSeams: Run a sample of tiles again, cut elsewhere, and throw where the results differ.
  public init(_ function: any TileFunction, halo: Halo = .none, checksSeams: Bool = false) {
    self.function = function
    let own = function.halo
    self.halo = Halo(
      top: max(own.top, halo.top), bottom: max(own.bottom, halo.bottom), left: max(own.left, halo.left),
      right: max(own.right, halo.right))
    self.checksSeams = checksSeams
  }

  /// - Note: Where no tile has been seen, the function is run on a small picture, once for each kind of pixels.
  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    guard let made = try? made(of: input) else { return input }
    return function.picture(of: made, like: input)
  }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    let made = try made(of: input), output = function.picture(of: made, like: input)
    let stencil = ApplyStencil(
      run: TileRun(function, idle, input), ghosts: halo, made: made, output: output, probe: probe,
      seams: checksSeams ? SeamCheck(halo) : nil)
    return [.stencil(RoundedStencil.ifNeeded(stencil, output), making: output)]
  }

  /// What the function makes of a picture.
  private func made(of input: ImageDescription) throws -> PixelKind {
    if let made = try function.output(for: input) { return made }
    let kind = function.kind(of: input)
    if isAssumed { return kind }
    if let probe, probe.input == kind { return probe.made }
    return try tried.made(of: kind) { try trial(of: input) }
  }

  // MARK: - The first tile

  public var needsProbe: Bool { !function.tellsOutput }

  public var assumed: any ProbedFilter {
    var copy = self
    copy.isAssumed = true
    return copy
  }

  public func probed(_ tile: Region, of input: ImageDescription, _ pixels: Picture) throws -> any ProbedFilter {
    guard try function.output(for: input) == nil else { return self }
    var copy = self
    copy.probe = try probe(tile, of: input, pixels)
    return copy
  }

  private func probe(_ tile: Region, of input: ImageDescription, _ pixels: Picture) throws -> TileProbe {
    let run = TileRun(function, idle, input), place = run.place(tile, halo: halo)
    let offset = place.grown.x * input.bytesPerPixel
    var probe: TileProbe?
    try run.make(place, from: { UnsafeRawPointer(pixels.row($0 - place.grown.y) - offset) }, scratch: Scratch()) {
      probe = try TileProbe(run.kind, place, $0)
    }
    return probe!
  }

  /// What it makes of a small picture of such pixels: a slope, so that there is something in it.
  private func trial(of input: ImageDescription) throws -> PixelKind {
    var small = input
    (small.width, small.height) = (64, 64)
    let picture = try Picture(small)
    for y in 0..<64 {
      for i in 0..<small.samplesPerRow {
        let slope = (y + i / small.channels) * 2
        switch small.sampleType {
        case .uint8: picture.row(y).samples(UInt8.self)[i] = UInt8(slope)
        case .uint16: picture.row(y).samples(UInt16.self)[i] = UInt16(slope * 257)
        case .float32: picture.row(y).samples(Float.self)[i] = Float(slope) / 255
        case .float64: picture.row(y).samples(Double.self)[i] = Double(slope) / 255
        }
      }
    }
    return try probe(Region(all: small), of: small, picture).made
  }

  public func prepare(_ count: Int) throws { try idle.prepare(function, count) }

  public func end() throws { try idle.end() }
}

/// What a function has made of small pictures, by what they were of.
private final class TriedKinds: Sendable {
  private let found = Locked([(input: PixelKind, made: Result<PixelKind, any Error>)]())

  func made(of kind: PixelKind, _ make: () throws -> PixelKind) throws -> PixelKind {
    // Whoever asks meanwhile waits.
    try found.withLock { found in
      if let known = found.first(where: { $0.input == kind }) { return try known.made.get() }
      let made = Result { try make() }
      found.append((kind, made))
      return try made.get()
    }
  }
}

// MARK: - Options

extension Apply {
  /// The filter `apply` and its options.
  public static let definition = FilterDefinition(
    name: "apply",
    abstract: "Run a command or a plug-in on overlapping tiles.",
    discussion: """
      Each tile goes with its ghosts to the command's standard input, and the command writes one of the same width and height to its \
      standard output, of whatever type and number of channels. Ghosts are trimmed. Or a function from a shared library makes the \
      tiles (imbrex_filter.h says what it looks like), in a process of its own for each worker; it says itself how many ghosts it needs.
      """,
    examples: [
      "imbrex apply --halo 16 --command './denoise --strength 3' in.tif -o out.tif",
      "imbrex apply --halo 16 --command 'python3 segment.py' --keep --frames npy in.tif -o out.tif",
      "imbrex apply --plugin ./libsharpen.so --set amount=2 in.tif -o out.tif",
      "imbrex gaussian then apply --command 'pamfunc -multiplier 2' then edge in.png -o out.png",
    ],
    options: [
      OptionDefinition(
        "command", .text(allowed: "a command for sh") { !$0.isEmpty && !$0.utf8.contains(0) }, valueName: "command",
        suggestions: ["cat"],
        help: "Command for sh: it reads a tile from standard input and writes one to standard output."),
      OptionDefinition(
        "plugin", .library, valueName: "file[:name]",
        help: "Shared library with the filter, and its name where there are several, instead of a command."),
      OptionDefinition(
        "set", .text(allowed: "NAME=VALUE") { $0.utf8.contains(0x3D) && !$0.utf8.contains(0) }, valueName: "name=value",
        isRepeatable: true, help: "A parameter of the plug-in; imbrex apply --plugin FILE --help lists them."),
      OptionDefinition(
        "in-process", .flag, changesResult: false,
        help: "Run the plug-in in imbrex itself: faster, but its crash is that of imbrex."),
      OptionDefinition(
        "halo", .axes(0...100_000), valueName: "n", unit: "pixels", default: .axes(0, 0),
        help: "Ghost cells around each tile, N or NY,NX: as far as the function looks."),
      OptionDefinition(
        "keep", .flag, help: "One process for each worker, which takes tile after tile until its standard input ends."),
      OptionDefinition(
        "frames", .choice(FrameFormat.allCases.map(\.rawValue)), valueName: "format", default: .choice("pam"),
        help: "How tiles are written to the command; npy carries all types of samples. It may answer in any of them."),
      OptionDefinition(
        "tile-timeout", .number(0.001...1e9), valueName: "seconds", unit: "seconds", defaultText: "none",
        changesResult: false, help: "Give up when a tile takes longer."),
      OptionDefinition(
        "check-seams", .flag, changesResult: false,
        help: "Run a sample of tiles again, cut elsewhere and with more ghosts, and fail if that changes pixels."),
    ],
    needs: "command", parts: PluginFunction.help
  ) { values, _ in
    let axes = values.axes("halo")
    guard let y = Int(exactly: axes.y), let x = Int(exactly: axes.x) else {
      throw ImbrexError(option: "halo", "is \(values["halo"]!.description), but must be whole numbers")
    }
    return Apply(try function(values), halo: Halo(y: y, x: x), checksSeams: values.flag("check-seams"))
  }

  private static func function(_ values: OptionValues) throws -> any TileFunction {
    let seconds: Double? = if case .number(let seconds)? = values["tile-timeout"] { seconds } else { nil }
    if let plugin = values.text("plugin") {
      for name in ["command", "keep", "frames"] where values.isGiven(name) {
        throw ImbrexError(
          option: name, name == "command" ? "and --plugin exclude each other" : "goes with --command only")
      }
      return try PluginFunction(plugin, values, seconds: seconds)
    }
    for name in ["set", "in-process"] where values.isGiven(name) {
      throw ImbrexError(option: name, "goes with --plugin only")
    }
    guard let command = values.text("command") else {
      throw ImbrexError(option: "command", "is missing: apply needs a command to run, or a --plugin")
    }
    return CommandFunction(
      command: command, keeps: values.flag("keep"), frames: values.choice("frames"), seconds: seconds)
  }
}
