import Imbrex

extension PictureJob {
  /// What would be done, found as it is found when it is done.
  ///
  /// - Throws: What a run would say of the input, its outputs and the options before it does anything.
  func explanation(picturesAtOnce: Int) throws -> Explanation {
    let reader = try ImageReader(path: job.input, options: options.readerOptions(context.tiling))
    var pipeline = try run.pipeline(for: reader).assumed
    let files = try pictureOutputs(reader, pipeline), pages = try options.pageCount(of: reader)
    if let pages { try checkHolds(pages: pages, files) }
    var picture = reader.description, metadata = reader.metadata
    if isTurnedFirst(files, metadata) {
      picture = picture.turned(metadata.orientation!)
      pipeline = try run.pipeline(for: reader, turn: metadata.orientation!).assumed
      metadata.orientation = 1
    }
    var plan = try pipeline.plan(for: picture, region: options.region, tiling: context.tiling)
    var results: [Explanation.Output] = []
    for (index, file) in files.enumerated() {
      let isMain = index == 0 && !run.pipeline.makesTable
      var made = plan.written(after: file.position)
      if isTurnedBehind(file, metadata) { made = made.turned(metadata.orientation!) }
      let held = try ImageWriter.description(of: made, in: file.format, writerOptions(isMain: isMain))
      results.append(
        Explanation.Output(
          role: isMain ? .output : .tee, path: isMain ? job.output : file.path, format: file.format.name, picture: held,
          filters: isMain ? nil : run.pipeline.links[..<file.position].map(\.name).joined(separator: " then ")))
      if isMain && held != made {
        plan = try pipeline.followed(by: .init("conversion", Conversion(to: held))).plan(
          for: picture, region: options.region, tiling: context.tiling)
      }
    }
    if let table = run.pipeline.tableFilter {
      let path = job.output ?? outputs.sharedTable
      results.insert(
        Explanation.Output(
          role: .output, path: path, format: outputs.tableFormat.rawValue, picture: nil, columns: table.tableColumns),
        at: 0)
    }
    if let path = outputs.overlay?.path(job.index) {
      let format = ImageFormat(path: path) ?? options.format ?? reader.format
      let ground = plan.written(after: run.pipeline.links.count - 1)
      let drawing = ImageDescription(
        width: ground.width, height: ground.height, color: .rgb, sampleType: ground.sampleType)
      results.append(
        Explanation.Output(
          role: .overlay, path: path, format: format.name,
          picture: try ImageWriter.description(of: drawing, in: format, options.writerOptions)))
    }
    return Explanation(
      input: job.input, reader: reader, pages: pages, plan: plan, filter: run.pipeline.name, outputs: results,
      picturesAtOnce: picturesAtOnce)
  }
}
