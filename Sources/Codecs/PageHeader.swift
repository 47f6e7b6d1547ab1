import Pictures
import Platform
internal import CodecShims

/// A page as a shim's writer is told of it.
struct PageHeader {
  let description: ImageDescription
  let options: codec_options
  /// Without profile and notes, which are there during ``pass(to:)`` only.
  var header: codec_header
  private let notes: [Note]
  private let profile: [UInt8]

  init(_ description: ImageDescription, _ metadata: Metadata, notes: [Note], options: codec_options) {
    self.description = description
    self.options = options
    self.notes = notes
    header = codec_header(description, metadata)
    profile = metadata.profile(for: description)
  }

  /// Calls a shim's function with all of it, and throws what that reports.
  func pass(
    to shim: (UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<codec_error>) -> Int32
  ) throws {
    var header = header, options = options
    let notes = NoteList(notes)
    (header.notes, header.note_count) = (notes.start, notes.count)
    try profile.withUnsafeBufferPointer { profile in
      if !profile.isEmpty { (header.icc_profile, header.icc_profile_count) = (profile.baseAddress, profile.count) }
      try withExtendedLifetime(notes) { try check(.output) { shim(&header, &options, $0) } }
    }
  }
}

extension PageHeader {
  /// Calls a shim's function that creates a writer.
  func create(
    _ descriptor: Int32,
    with shim: (
      Int32, UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<OpaquePointer?>,
      UnsafeMutablePointer<codec_error>
    ) -> Int32
  ) throws -> OpaquePointer {
    var handle: OpaquePointer?
    try pass { shim(descriptor, $0, $1, &handle, $2) }
    return handle!
  }
}

/// Notes for a shim, their bytes in one block of memory.
final class NoteList {
  private let memory: UnsafeMutableBufferPointer<UInt8>
  private let notes: UnsafeMutableBufferPointer<codec_note>

  init(_ list: [Note]) {
    memory = .allocate(capacity: list.reduce(1) { $0 + $1.bytes.count })
    notes = .allocate(capacity: list.count + 1)
    var place = memory.baseAddress!
    for (index, note) in list.enumerated() {
      place.update(from: note.bytes, count: note.bytes.count)
      notes.initializeElement(
        at: index,
        to: codec_note(
          kind: note.kind.rawValue, tag: note.tag, type: note.type, count: UInt64(note.count),
          bytes: UnsafePointer(place), byte_count: note.bytes.count))
      place += note.bytes.count
    }
    count = list.count
  }

  deinit {
    memory.deallocate()
    notes.deallocate()
  }

  let count: Int
  var start: UnsafePointer<codec_note> { UnsafePointer(notes.baseAddress!) }
}
