// A plug-in in Swift: 8-bit pictures become 0 where their first channel is below a level, 255 elsewhere.
//
//   swiftc -O -emit-library -parse-as-library -import-objc-header imbrex_filter.h threshold.swift -o libthreshold.so

/// Text that stays for as long as the library does.
private func text(_ text: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

nonisolated(unsafe) private let parameters: UnsafeMutablePointer<imbrex_parameter> = {
  let parameters = UnsafeMutablePointer<imbrex_parameter>.allocate(capacity: 1)
  parameters.initialize(
    to: imbrex_parameter(
      name: text("level"), help: text("The least sample that becomes white."), type: Int32(IMBREX_INTEGER), minimum: 0,
      maximum: 255, default_number: 128, default_text: nil, choices: nil))
  return parameters
}()

nonisolated(unsafe) private let filters: UnsafeMutablePointer<UnsafePointer<imbrex_filter>?> = {
  let filter = UnsafeMutablePointer<imbrex_filter>.allocate(capacity: 1)
  filter.initialize(
    to: imbrex_filter(
      version: IMBREX_FILTER_VERSION, name: text("threshold"), help: text("Make a picture of two levels."),
      types: Int32(IMBREX_UINT8), parameter_count: 1, parameters: parameters, reach: nil,
      output: { _, _, output, _ in
        output!.pointee.channels = 1
        return 0
      },
      apply: { values, tile, _ in
        let level = values![0].integer, tile = tile!.pointee
        for y in 0..<Int(tile.height) {
          let source = (tile.source + y * tile.source_stride).assumingMemoryBound(to: UInt8.self)
          let target = (tile.target + y * tile.target_stride).assumingMemoryBound(to: UInt8.self)
          for x in 0..<Int(tile.width) {
            target[x] = Int64(source[x * Int(tile.input.channels)]) < level ? 0 : 255
          }
        }
        return 0
      }))
  let list = UnsafeMutablePointer<UnsafePointer<imbrex_filter>?>.allocate(capacity: 2)
  list.initialize(to: UnsafePointer(filter))
  (list + 1).initialize(to: nil)
  return list
}()

@_cdecl("imbrex_filters")
public func imbrexFilters(version: Int32) -> UnsafeRawPointer? {
  version == IMBREX_FILTER_VERSION ? UnsafeRawPointer(filters) : nil
}
