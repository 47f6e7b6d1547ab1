import Imbrex

/// What helps to choose among combinations: a sheet of all results, and scores against what is right.
final class Choice: Sendable {
  init?(_ run: VariedRun) throws { return nil }
  var wantsGround: Bool { false }
  func begin(_ picture: ImageDescription, page: Int, of input: String, _ region: Region?) throws {}
  func sinks(_ variant: Int, of made: ImageDescription) throws -> [any RowSink] { [] }
  func finish(_ variant: Int) throws {}
  func take(_ table: Table, _ variant: Int, on ground: Picture?) throws {}
  func finish() throws {}
}
