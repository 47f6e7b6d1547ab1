import Platform
import Pictures

internal import CodecShims

/// A page as a shim's writer is told of it.
struct PageHeader {
  let description: ImageDescription
  let options: codec_options
  /// Without profile and items, which are there during ``pass(to:)`` only.
  var header: codec_header
  private let items: [MetadataItem]
  private let profile: [UInt8]

  init(_ description: ImageDescription, _ metadata: Metadata, items: [MetadataItem], options: codec_options) {
    self.description = description
    self.options = options
    self.items = items
    header = codec_header(description, metadata)
    profile = metadata.profile(for: description)
  }

  /// Calls a shim's function with all of it, and throws what that reports.
  func pass(
    to shim: (UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<codec_error>) -> Int32
  ) throws {
    var header = header, options = options
    let items = ItemList(items)
    (header.items, header.item_count) = (items.start, items.count)
    try profile.withUnsafeBufferPointer { profile in
      if !profile.isEmpty { (header.icc_profile, header.icc_profile_count) = (profile.baseAddress, profile.count) }
      try withExtendedLifetime(items) { try check(.output) { shim(&header, &options, $0) } }
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

/// Items for a shim, their bytes in one block of memory.
final class ItemList {
  private let memory: UnsafeMutableBufferPointer<UInt8>
  private let items: UnsafeMutableBufferPointer<codec_item>

  init(_ list: [MetadataItem]) {
    memory = .allocate(capacity: list.reduce(1) { $0 + $1.bytes.count })
    items = .allocate(capacity: list.count + 1)
    var place = memory.baseAddress!
    for (index, item) in list.enumerated() {
      place.update(from: item.bytes, count: item.bytes.count)
      items.initializeElement(
        at: index,
        to: codec_item(
          kind: item.kind.rawValue, tag: item.tag, type: item.type, count: UInt64(item.count),
          bytes: UnsafePointer(place), byte_count: item.bytes.count))
      place += item.bytes.count
    }
    count = list.count
  }

  deinit {
    memory.deallocate()
    items.deallocate()
  }

  let count: Int
  var start: UnsafePointer<codec_item> { UnsafePointer(items.baseAddress!) }
}
