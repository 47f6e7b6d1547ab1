import Imbrex

struct Growth: Filter, Stencil {
  let halo = Halo(y: 1, x: 1)

  func outputDescription(for input: ImageDescription) -> ImageDescription { input }

  func stages(for input: ImageDescription) throws -> [Stage] {
    guard input.sampleType == .uint8 else { throw ImbrexError(.input, "grow needs 8-bit samples") }
    return [.stencil(self, making: input)]
  }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let picture = source.description, channels = picture.channels
    for y in region.y..<region.endY {
      let result: UnsafeMutablePointer<UInt8> = output.row(y).samples()
      let rows = (max(y - 1, 0)...min(y + 1, picture.height - 1)).map { source.row($0).samples(UInt8.self) }
      for x in region.x..<region.endX {
        let columns = max(x - 1, 0)...min(x + 1, picture.width - 1)
        for channel in 0..<channels {
          var lightest: UInt8 = 0
          for row in rows { for column in columns { lightest = max(lightest, row[column * channels + channel]) } }
          result[x * channels + channel] = lightest
        }
      }
    }
  }
}

let arguments = CommandLine.arguments
let pool = WorkerPool(count: availableCores())
defer { pool.close() }
let context = RunContext(pool: pool, tiling: TilingOptions())
let reader = try ImageReader(path: arguments[1])
let chain = try Pipeline([.init("grow", Growth()), .init("gaussian", Gaussian(sigma: 1))])
let plan = try chain.plan(for: reader.description, tiling: context.tiling)
let writer = try ImageWriter(
  to: OutputFile(path: arguments[2]), format: reader.format, picture: plan.written, metadata: reader.metadata)
try plan.run(.stream(reader), to: .stream(writer), in: context)
try writer.finish(after: reader)
