import Foundation
import Imbrex
import TestSupport
import Testing

/// `apply` in a program that is not imbrex.
@Suite struct ApplyInProgramTests {
  /// A program of which nobody knows that it writes to pipes has the signal's default action, which ends it.
  @Test func a_command_that_reads_nothing_does_not_end_the_program() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      var values = OptionValues(Apply.definition.options)
      values["command"] = .text(
        """
        exec <&-; printf 'P5 %d %d 255\\n' $IMBREX_TILE_WIDTH $IMBREX_TILE_HEIGHT
        head -c $((IMBREX_TILE_WIDTH * IMBREX_TILE_HEIGHT)) /dev/zero
        """)
      let picture = testPicture(ImageDescription(width: 2000, height: 2000, color: .gray, sampleType: .uint8))
      let filter = try Apply.definition.make(values) { _ in PictureSource(picture) }
      let pool = WorkerPool(count: 1)
      let sink = PictureSink(filter.outputDescription(for: picture.description))
      try filter.run(
        .picture(picture), to: .stream(sink), in: RunContext(pool: pool, tiling: TilingOptions(workers: 1)))
      precondition(sink.isComplete)
    }
  }
}
