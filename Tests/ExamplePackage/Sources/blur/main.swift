// blur IN OUT: blurs a picture and tells where its brightest blob is, through the public API alone.
import Imbrex

let arguments = CommandLine.arguments
guard arguments.count == 3, let format = ImageFormat(path: arguments[2]) else {
  print("usage: blur IN OUT")
  throw ImbrexError(.usage, "two files are needed")
}

let pool = WorkerPool(count: availableCores())
defer { pool.close() }
let context = RunContext(pool: pool, tiling: TilingOptions())

// From file to file, in memory that does not depend on the picture's height.
let reader = try ImageReader(path: arguments[1])
let gaussian = Gaussian(sigma: 2)
let writer = try ImageWriter(
  to: OutputFile(path: arguments[2]), format: format,
  picture: gaussian.outputDescription(for: reader.description), metadata: reader.metadata)
try gaussian.run(.stream(reader), to: .stream(writer), in: context)
try writer.finish(after: reader)

// In memory.
let picture = try Picture(reading: ImageReader(path: arguments[2]))
let blobs = try BlobDetector(maxSigma: 8, threshold: 0.02).detect(in: picture, context: context)
if let first = blobs.first {
  print(
    "\(picture.description.width) x \(picture.description.height), \(blobs.count) blobs, the strongest at \(first.y), \(first.x)"
  )
} else {
  print("\(picture.description.width) x \(picture.description.height), no blobs")
}
