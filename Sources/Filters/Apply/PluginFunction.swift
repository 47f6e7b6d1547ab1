import Pictures
import Pipeline
import Platform
import Plugins

/// A filter of a plug-in as a function of tiles. It gets samples as memory has them, or of a larger type that it takes.
struct PluginFunction: TileFunction {
  private let plugin: Plugin

  /// - Parameters:
  ///   - reference: `FILE` or `FILE:NAME`.
  ///   - values: Those of `apply`.
  ///   - seconds: That a tile may take.
  init(_ reference: String, _ values: OptionValues, seconds: Double?) throws {
    let isHere = values.flag("in-process")
    if isHere && seconds != nil {
      throw ImbrexError(option: "tile-timeout", "does not go with --in-process: what runs in imbrex cannot be ended")
    }
    plugin = try Plugin(
      reference, settings: values.list("set").map(\.description),
      in: isHere ? .here : .workers(timeout: seconds))
  }

  /// The filters of the library that `--plugin` names, or the one that it names.
  static func help(_ values: OptionValues) throws -> [FilterDefinition.Part] {
    guard let text = values.text("plugin") else { return [] }
    let reference = PluginReference(text)
    var filters = try reference.describe(in: values.flag("in-process") ? .here : .workers(timeout: 10))
    if reference.name != nil { filters = [filters[try reference.choose(of: filters)]] }
    return filters.map { filter in
      FilterDefinition.Part(
        title: "\(filter.name) of \(reference.path)", abstract: filter.help,
        options: filter.parameters.map(\.definition))
    }
  }

  var halo: Halo { plugin.reach.halo }
  var border: TileBorder? { plugin.reach.boundary.map { TileBorder($0, constant: plugin.reach.constant) } }
  // A call costs a tenth of a millisecond.
  var pixelsPerTile: Int { 1 << 18 }
  var tellsOutput: Bool { true }

  func kind(of picture: ImageDescription) -> PixelKind { PixelKind(inMemory: picture) }

  func output(for input: ImageDescription) throws -> PixelKind? { try PluginPictures(plugin, input).kept }

  func picture(of made: PixelKind, like input: ImageDescription) -> ImageDescription {
    (try? PluginPictures(plugin, input).keptPicture) ?? input
  }

  func makeRunner() throws -> any TileRunner {
    do {
      return PluginTileRunner(plugin, try plugin.makeRunner())
    } catch let error as ImbrexError {
      throw failed(plugin, error)
    }
  }
}

/// What a plug-in gets of a picture and makes of it, and as what that is kept.
private struct PluginPictures {
  let given, made: PluginPicture
  let input, kept: PixelKind
  let keptPicture: ImageDescription

  /// - Throws: ``ImbrexError`` if the plug-in does not take such a picture.
  init(_ plugin: Plugin, _ picture: ImageDescription) throws {
    let own = PluginSampleType(picture.sampleType)
    // The next larger one, or, for a picture of 64-bit floats, that of the other filters.
    let wider =
      own == .float64 ? [.float64, .float32] : PluginSampleType.allCases.filter { $0.rawValue >= own.rawValue }
    let takes = plugin.description.types
    guard let type = takes.isEmpty ? own : wider.first(where: takes.contains) else {
      let names = PluginSampleType.allCases.filter(takes.contains).map(\.name).joined(separator: " and ")
      throw ImbrexError(
        .input, "\(plugin.description.name) takes \(names) samples, but the picture has \(own.name)",
        cause: .unsupported)
    }
    given = PluginPicture(
      width: picture.width, height: picture.height, type: type, channels: picture.channels, color: picture.color,
      alpha: picture.alpha, one: picture.valueOfOne)
    do {
      made = try plugin.output(for: given)
    } catch let error as ImbrexError {
      throw ImbrexError(error.code, error.message, remedy: error.remedy, cause: .functionFailed)
    }
    input = PixelKind(inMemory: picture)
    // What was widened on the way in is made narrow on the way out.
    let keptType = made.type == given.type ? picture.sampleType : SampleType(made.type)
    var kept = picture
    kept.sampleType = keptType
    (kept.color, kept.alpha) = (made.color, made.alpha)
    kept.extraBands = made.channels - made.color.channels - (made.alpha == .none ? 0 : 1)
    keptPicture = kept
    self.kept = PixelKind(inMemory: kept)
  }
}

/// Runs a plug-in on one tile at a time.
private final class PluginTileRunner: TileRunner, @unchecked Sendable {
  private let plugin: Plugin
  private let runner: any PluginRunner
  private var pictures: (of: ImageDescription, PluginPictures)?
  private var converted: PixelBuffer?

  init(_ plugin: Plugin, _ runner: any PluginRunner) { (self.plugin, self.runner) = (plugin, runner) }

  func process(_ input: TileInput) throws -> TileOutput {
    let pictures = try pictures(of: input.picture), place = input.place
    do {
      let tile = try PluginTile(pictures.given, pictures.made, place.tile, ghosts: place.ghosts)
      let samples = place.grown.width * pictures.given.channels
      let target = try runner.apply(tile) { source in
        for (index, row) in input.rows.enumerated() {
          convertSamples(
            row, input.picture.sampleType, to: source + index * tile.sourceStride, SampleType(pictures.given.type),
            count: samples)
        }
      } say: {
        Remarks.say("tile \(place.tile.text): \($0)")
      }
      return try kept(target + tile.targetOffset, tile, pictures, place)
    } catch let error as ImbrexError {
      throw failed(plugin, error)
    }
  }

  private func pictures(of picture: ImageDescription) throws -> PluginPictures {
    if let pictures, pictures.of == picture { return pictures.1 }
    let new = try PluginPictures(plugin, picture)
    pictures = (picture, new)
    return new
  }

  /// The tile's pixels, found as if there were ghosts around them.
  private func kept(
    _ pixels: UnsafeRawPointer, _ tile: PluginTile, _ pictures: PluginPictures, _ place: TilePlace
  ) throws -> TileOutput {
    let kind = pictures.kept, type = pictures.keptPicture.sampleType, made = SampleType(pictures.made.type)
    var (first, stride) = (pixels, tile.targetStride)
    if type != made {
      let rowBytes = place.tile.width * kind.bytesPerPixel
      if (converted?.byteCount ?? 0) < rowBytes * place.tile.height {
        converted = try PixelBuffer(byteCount: rowBytes * place.tile.height)
      }
      for y in 0..<place.tile.height {
        convertSamples(
          pixels + y * stride, made, to: converted!.base + y * rowBytes, type, count: place.tile.width * kind.channels)
      }
      (first, stride) = (UnsafeRawPointer(converted!.base), rowBytes)
    }
    return TileOutput(
      kind, base: first - (place.ghosts.top * stride + place.ghosts.left * kind.bytesPerPixel), stride: stride)
  }

  func cancel() { runner.cancel() }
  func end() {}
}

private func failed(_ plugin: Plugin, _ error: ImbrexError) -> ImbrexError {
  ImbrexError(
    error.code, "\(plugin.description.name) \(error.message)", remedy: error.remedy,
    cause: error.code == .limit ? nil : .functionFailed)
}

// MARK: - Types of samples

extension PixelKind {
  /// Of a picture's pixels, as memory has them.
  init(inMemory picture: ImageDescription) {
    let number: NumberType =
      switch picture.sampleType {
      case .uint8: .uint8
      case .uint16: .uint16
      case .float32: .float32
      case .float64: .float64
      }
    self.init(number, channels: picture.channels, hasAlpha: picture.alpha != .none)
  }
}

extension PluginSampleType {
  fileprivate init(_ type: SampleType) { self.init(rawValue: type.byteCount)! }
}

extension SampleType {
  fileprivate init(_ type: PluginSampleType) {
    self = Self.allCases.first { $0.byteCount == type.rawValue }!
  }
}

/// Samples of one type as those of another, with 1 for full scale; to integers they are rounded and clamped, and a NaN is 0.
private func convertSamples(
  _ from: UnsafeRawPointer, _ type: SampleType, to target: UnsafeMutableRawPointer, _ other: SampleType, count: Int
) {
  guard type != other else { return target.copyMemory(from: from, byteCount: count * type.byteCount) }
  switch type {
  case .uint8: convertSamples(from.samples(UInt8.self), type, to: target, other, count) { Double($0) }
  case .uint16: convertSamples(from.samples(UInt16.self), type, to: target, other, count) { Double($0) }
  case .float32: convertSamples(from.samples(Float.self), type, to: target, other, count) { Double($0) }
  case .float64: convertSamples(from.samples(Double.self), type, to: target, other, count) { $0 }
  }
}

@inline(__always)
private func convertSamples<Sample: BitwiseCopyable>(
  _ from: UnsafePointer<Sample>, _ type: SampleType, to target: UnsafeMutableRawPointer, _ other: SampleType,
  _ count: Int, _ number: (Sample) -> Double
) {
  let scale = Double(other.fullScale) / Double(type.fullScale), most = Double(other.fullScale)
  // A maximum with NaN is NaN in Swift: the comparison is not.
  func whole(_ value: Double) -> Double { value > 0 ? min(value, most) + 0.5 : 0 }
  switch other {
  case .uint8:
    let to: UnsafeMutablePointer<UInt8> = target.samples()
    for i in 0..<count { to[i] = UInt8(whole(number(from[i]) * scale)) }
  case .uint16:
    let to: UnsafeMutablePointer<UInt16> = target.samples()
    for i in 0..<count { to[i] = UInt16(whole(number(from[i]) * scale)) }
  case .float32:
    let to: UnsafeMutablePointer<Float> = target.samples()
    for i in 0..<count { to[i] = Float(number(from[i]) * scale) }
  case .float64:
    let to: UnsafeMutablePointer<Double> = target.samples()
    for i in 0..<count { to[i] = number(from[i]) * scale }
  }
}
