internal import CodecShims

/// The libraries that files are read and written with, and their versions: of the library that runs where it tells, else of
/// the one that was built with; nil where it is not installed.
public var codecLibraries: [(name: String, version: String?)] {
  var libraries: [(name: String, version: String?)] = []
  var library = codec_library()
  while codec_library_at(UInt32(libraries.count), &library) != 0 {
    let version = withUnsafeBytes(of: library.version) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    libraries.append((String(cString: library.name!), version.isEmpty ? nil : version))
  }
  return libraries
}
