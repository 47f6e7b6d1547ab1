import Imbrex

/// A pass over one part of a page.
struct PartPass {
  private let work: PageWork
  let index: Int
  private let part: Int
  private let files: PartFiles
  private let directory: JobDirectory
  private let context: RunContext
  private let options: CommonOptions

  init(
    _ work: PageWork, _ pass: Int, _ part: Int, _ files: PartFiles, _ directory: JobDirectory, _ context: RunContext,
    _ options: CommonOptions
  ) throws {
    guard pass < work.parted.passes.count else { throw JobPlan.foreign }
    (self.work, index, self.part) = (work, pass, part)
    (self.files, self.directory, self.context, self.options) = (files, directory, context, options)
  }

  private var pass: PartedPipeline.Pass { work.parted.passes[index] }

  /// What is made of the part's rows in this pass.
  private struct Made {
    let sink: any RowSink
    let finish: () throws -> Void
  }

  func run(reading source: (any RowSource)?) throws {
    let written = work.written(part), rows = work.parts[part]
    let isFinal = work.isFinal(index)
    if isFinal && written == nil { return }
    let region = isFinal ? written! : Region(x: 0, y: rows.lowerBound, width: pass.output.width, height: rows.count)
    var made: [Made] = [], taps: [Tap] = []
    var sink: (any RowSink)?
    if let written {
      for (number, output) in work.outputs.enumerated() where work.parted.pass(ofPosition: output.position) == index {
        let target = try self.output(number, output, written)
        made.append(target)
        let isResult = isFinal && number == 0
        if isResult { sink = target.sink } else { taps.append(tap(output, target, from: region, to: written)) }
      }
      if let position = groundPosition, work.parted.pass(ofPosition: position) == index {
        let target = try picture(work.plan.written(after: position), rows: written.height, at: files.ground(part))
        made.append(target)
        let crop = CroppingSink(
          target.sink, from: region, to: written, bytesPerPixel: work.plan.written(after: position).bytesPerPixel)
        taps.append(Tap(after: position, crop))
      }
    }
    if !isFinal, case .picture = pass.ending {
      let target = try picture(pass.output, rows: rows.count, at: files.rows(index, part))
      made.append(target)
      sink = target.sink
    }
    guard case .round(let exchange, let round) = pass.ending else {
      _ = try run(source, region, sink, taps, keptAt: "")
      for target in made { try target.finish() }
      return
    }
    let partial = try directory.making(files.kept(exchange, round, part)) { path in
      try run(source, region, nil, taps, keptAt: path)!
    }
    for target in made { try target.finish() }
    try directory.write(partial, to: files.partial(exchange, round, part))
  }

  private func run(
    _ source: (any RowSource)?, _ region: Region, _ sink: (any RowSink)?, _ taps: [Tap], keptAt path: String
  ) throws -> [UInt8]? {
    try work.parted.run(
      index,
      on: { exchange in
        var rounds = work.parted.exchanges[exchange].rounds.count
        if case .round(exchange, let round) = pass.ending { rounds = round }
        return try work.part(part, of: exchange, rounds: rounds, files)
      }, region: region, reading: source, to: sink, taps: taps, keptAt: path, in: context)
  }

  /// What an overlay is drawn on: the picture that the last filter gets.
  private var groundPosition: Int? {
    work.parted.makesTable && options.overlay != nil ? work.plan.filterCount - 1 : nil
  }

  private func tap(_ output: PageWork.Output, _ target: Made, from region: Region, to written: Region) -> Tap {
    let converting = ConvertingSink(
      target.sink, from: output.made, to: output.held, background: options.background ?? .white)
    return Tap(
      after: output.position,
      CroppingSink(converting, from: region, to: written, bytesPerPixel: output.made.bytesPerPixel))
  }

  /// The part of an output, as its file will have it where that can be done.
  private func output(_ number: Int, _ output: PageWork.Output, _ written: Region) throws -> Made {
    let path = files.output(number, part, output.form)
    switch output.form {
    case .blocks: break
    case .file: return try file(output, rows: written.height, at: path)
    case .rows: return try picture(output.held, rows: written.height, at: path)
    }
    let writer = try PageWork.writer(output.file.format, output.settings, work.input)
    let unfinished = directory.unfinished(path), file = try PartFile(making: unfinished.path)
    let first = written.y - work.written.y
    let sink = writer.part(first..<(first + written.height), to: file)
    return Made(sink: sink) {
      try sink.finish()
      try unfinished.publish()
    }
  }

  /// The part as a file of the output's kind, without what goes with the whole.
  private func file(_ output: PageWork.Output, rows: Int, at path: String) throws -> Made {
    var settings = output.settings
    settings.picture.height = rows
    settings.metadata.strip()
    settings.metadata.tiff.companions = []
    settings.metadata.tiff.isCloudOptimized = false
    settings.options.expectedByteCount = 0
    var input = work.input
    input.height = rows
    let unfinished = directory.unfinished(path)
    let writer = try ImageWriter(
      to: OutputFile(path: unfinished.path), format: output.file.format, picture: settings.picture,
      metadata: settings.metadata, input: input, options: settings.options)
    return Made(sink: NamedSink(writer, path: path)) {
      try named(path) { try writer.finish() }
      try PartSeal.add(to: unfinished.path)
      try unfinished.publish()
    }
  }

  /// Rows as a picture of their own.
  private func picture(_ picture: ImageDescription, rows: Int, at path: String) throws -> Made {
    var description = picture
    description.height = rows
    var metadata = Metadata(), settings = ImageWriter.Options()
    metadata.tiff.compression = 8
    settings.compressionLevel = 1
    settings.expectedByteCount = description.byteCount
    let unfinished = directory.unfinished(path)
    let writer = try ImageWriter(
      to: OutputFile(path: unfinished.path), format: ImageFormat(named: "tiff")!, picture: description,
      metadata: metadata, options: settings)
    return Made(sink: NamedSink(writer, path: path)) {
      try named(path) { try writer.finish() }
      try PartSeal.add(to: unfinished.path)
      try unfinished.publish()
    }
  }
}
