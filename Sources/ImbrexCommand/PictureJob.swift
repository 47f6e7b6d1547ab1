import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One input and where its result goes.
struct PictureJob {
  let input: String
  /// A path, or `-`.
  let output: String

  /// Pairs inputs with outputs as the command line says.
  ///
  /// - Throws: A usage error: no input, no output, a format that cannot be told, outputs that collide.
  static func jobs(_ files: FileOptionGroup, makesFloat: Bool) throws -> [PictureJob] {
    let inputs = try files.resolvedInputs()
    if files.explain { return inputs.map { PictureJob(input: $0, output: "-") } }
    let isMany = inputs.count > 1 || files.inputs.contains(where: isDirectory)
    guard let output = files.output else {
      if isMany { throw ImbrexError(.usage, "several inputs need -o DIRECTORY/") }
      if isatty(1) != 0 {
        throw ImbrexError(.usage, "no output: use -o FILE (pictures are not written to a terminal)")
      }
      return [PictureJob(input: inputs[0], output: "-")]
    }
    if output == "-" && isatty(1) != 0 {
      throw ImbrexError(.usage, "pictures are not written to a terminal: use -o FILE, or a pipe")
    }
    if output.hasSuffix("/") || isDirectory(output) {
      let jobs = try jobs(inputs, into: output, format: files.format, makesFloat: makesFloat)
      try makeDirectories(output)
      return jobs
    }
    if isMany { throw ImbrexError(.usage, "several inputs need a directory for -o: '\(output)/'") }
    if output != "-" && files.format == nil && !isSpecialFile(output) {
      guard let format = ImageFormat(path: output) else {
        throw ImbrexError(
          .usage,
          "the format of '\(output)' cannot be told: give it an extension "
            + "(\(ImageFormat.all.map { $0.extensions[0] }.joined(separator: ", "))) or use --format")
      }
      if makesFloat && !format.canHoldFloat {
        throw ImbrexError(
          .usage, "--float needs an output of 32-bit float, which \(format.name) is not: use .tif or .pfm")
      }
    }
    return [PictureJob(input: inputs[0], output: output)]
  }

  private static func jobs(
    _ inputs: [String], into directory: String, format: ImageFormat?, makesFloat: Bool
  ) throws -> [PictureJob] {
    var owners: [String: String] = [:]
    return try inputs.map { input in
      guard input != "-" else { throw ImbrexError(.usage, "standard input has no name in a directory: use -o FILE") }
      var name = input.split(separator: "/").last.map(String.init) ?? input
      let wanted =
        format ?? (makesFloat && !(ImageFormat(path: name)?.canHoldFloat ?? false) ? ImageFormat(named: "tiff") : nil)
      if let wanted, ImageFormat(path: name) != wanted {
        let stem = name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : String(name[..<$0]) } ?? name
        name = "\(stem).\(wanted.extensions[0])"
      }
      let output = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
      if let other = owners[output] {
        throw ImbrexError(.usage, "'\(other)' and '\(input)' would both be written to '\(output)'")
      }
      owners[output] = input
      return PictureJob(input: input, output: output)
    }
  }

  /// The format in which to write this job's result.
  func outputFormat(
    for reader: ImageReader, result: ImageDescription, _ files: FileOptionGroup, makesFloat: Bool
  ) throws -> ImageFormat {
    if let format = files.format { return format.holding(result) }
    if output != "-", let format = ImageFormat(path: output) {
      return format
    }
    let format = reader.format.holding(result)
    if makesFloat && !format.canHoldFloat { return ImageFormat(named: "pfm")! }
    return format
  }

  /// Says once what the output cannot hold.
  func warnOfConversion(
    from made: ImageDescription, to held: ImageDescription, _ format: ImageFormat, _ files: FileOptionGroup
  ) {
    var losses: [String] = []
    let isAskedFor = files.bitDepth != nil
    if made.sampleType != held.sampleType && !held.sampleType.isFloat && !isAskedFor {
      losses.append("\(made.sampleTypeName) samples become \(held.sampleTypeName)")
    }
    if made.color != held.color { losses.append("\(made.color.rawValue) becomes \(held.color.rawValue)") }
    if made.alpha != .none && held.alpha == .none {
      losses.append("alpha is put over \(files.background == nil ? "white" : "the background")")
    }
    guard !losses.isEmpty else { return }
    let name = output == "-" ? "standard output" : output
    Messages.warn("\(format.name) cannot hold it as it is: \(losses.joined(separator: ", "))", file: name)
  }

  /// Runs something that concerns the output; its errors name the output.
  func writing<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as ImbrexError where error.code == .output {
      throw NamedError(file: output == "-" ? "standard output" : output, error: error)
    }
  }
}

/// An error of a file other than the job's input.
struct NamedError: Error {
  let file: String
  let error: ImbrexError
}

/// Runs jobs one after the other; each failure is reported and the rest go on.
///
/// - Parameter sharingOutput: All write to one output, which an earlier run may have left.
/// - Throws: ``BatchFailure`` if any failed.
func runJobs(
  _ jobs: [PictureJob], sharingOutput: Bool = false, _ files: FileOptionGroup, _ body: (PictureJob) throws -> Void
) throws {
  var failed = 0, skipped = 0, status: Int32 = 0
  for job in jobs {
    if !sharingOutput && files.noClobber && job.output != "-" && fileExists(job.output) {
      skipped += 1
      continue
    }
    do {
      try body(job)
    } catch let error as ImbrexError {
      if error.code == .closedPipe { throw error }
      let file = error.code == .output ? (job.output == "-" ? "standard output" : job.output) : job.input
      Messages.report(error.message, file: file)
      failed += 1
      status = max(status, error.status)
    } catch let error as NamedError {
      Messages.report(error.error.message, file: error.file)
      failed += 1
      status = max(status, error.error.status)
    }
  }
  if jobs.count > 1 && !files.quiet {
    Messages.report("\(jobs.count - failed - skipped) done, \(skipped) skipped, \(failed) failed")
  }
  if failed > 0 { throw BatchFailure(status: jobs.count == 1 ? status : 1) }
}

extension FileOptionGroup {
  /// Inputs with directories replaced by the pictures in them.
  func resolvedInputs() throws -> [String] {
    if inputs.isEmpty {
      guard isatty(0) == 0 else { throw ImbrexError(.usage, "no input: name a picture, or pipe one in") }
      return ["-"]
    }
    if inputs.count(where: { $0 == "-" }) > 1 { throw ImbrexError(.usage, "standard input can be read only once") }
    let resolved = try inputs.flatMap { input in isDirectory(input) ? try pictures(in: input) : [input] }
    guard !resolved.isEmpty else { throw ImbrexError(.usage, "there are no pictures in '\(inputs[0])'") }
    return resolved
  }

  private func pictures(in directory: String) throws -> [String] {
    guard let handle = opendir(directory) else {
      throw ImbrexError(.input, "\(directory): cannot open: \(String(cString: strerror(errno)))")
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
      }
      guard !name.hasPrefix("."), ImageFormat(path: name) != nil else { continue }
      let path = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
      if !isDirectory(path) { names.append(path) }
    }
    return names.sorted()
  }
}

func isDirectory(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && (status.st_mode & S_IFMT) == S_IFDIR
}

func fileExists(_ path: String) -> Bool { access(path, F_OK) == 0 }

/// A device or a named pipe: something that exists, has no extension, and is written straight.
func isSpecialFile(_ path: String) -> Bool {
  var status = stat()
  guard stat(path, &status) == 0 else { return false }
  let kind = status.st_mode & S_IFMT
  return kind != S_IFREG && kind != S_IFDIR
}

/// Makes a directory and those above it.
func makeDirectories(_ path: String) throws {
  var prefix = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    prefix += part
    if mkdir(prefix, 0o777) != 0 && errno != EEXIST {
      throw ImbrexError(.output, "\(prefix): cannot make the directory: \(String(cString: strerror(errno)))")
    }
    prefix += "/"
  }
}

/// Writes text to a file, whole or not at all, or to standard output.
func writeText(_ text: String, to path: String) throws {
  do {
    let file = try OutputFile(path: path)
    try file.write(text)
    try file.commit()
  } catch let error as ImbrexError where error.code == .output {
    throw ImbrexError(.output, "\(path == "-" ? "standard output" : path): \(error.message)")
  }
}
