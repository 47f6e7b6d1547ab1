import Foundation
import Imbrex
import TestSupport
import Testing

/// Netpbm pictures one behind the other, as ffmpeg and netpbm make them. Of such a stream only the first came out.
@Suite struct StreamTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private static let gray = Array("P5\n4 3\n255\n".utf8) + (0..<12).map { UInt8($0 * 9) }
  private static let color = Array("P6 2 2 255\n".utf8) + (100..<112).map { UInt8($0) }
  private static let plain = Array("P2\n3 1\n15\n1 2 15\n# the end\n".utf8)
  private static let alpha =
    Array("P7\nWIDTH 1\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n".utf8) + [9, 8, 7, 255, 6, 5, 4, 3]
  private static let float = Array("Pf\n2 1\n-1.0\n".utf8) + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x3F]

  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  private func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path(name)))
  }

  /// What the program makes of each picture alone, one behind the other.
  private func alone(_ line: String, _ pictures: [[UInt8]]) throws -> [UInt8] {
    try pictures.flatMap { try run(line, input: $0).output }
  }

  @Test func every_picture_of_a_stream_comes_out_filtered_by_itself() throws {
    let pictures = [Self.gray, Self.color, Self.plain, Self.gray]
    let stream = Array(pictures.joined())
    try write(stream, to: "in.pnm")
    for line in ["gaussian --sigma 0.7", "median", "sobel then median --radius 0", "gaussian --region 1x1+1+0"] {
      let expected = try alone(line, pictures)
      for jobs in ["", "--serial"] {
        #expect(try run("\(line) \(jobs)", input: stream).output == expected, "\(line)")
        #expect(try run("\(line) \(jobs) in.pnm").output == expected, "\(line)")
      }
      // Two reads of one through a real pipe, with white space behind the last.
      let piped = try Program.shell(
        "{ cat \"$2\"; printf '\\n \\n'; } | \"$1\" \(line) | cmp - \"$3\"",
        [
          Program.url.path, folder.path("in.pnm"),
          {
            try! write(expected, to: "expected")
            return folder.path("expected")
          }(),
        ])
      #expect(piped.status == 0, "\(line): \(piped.text)\(piped.errors)")
    }
    for (format, pictures) in [("pam", [Self.alpha, Self.gray, Self.alpha]), ("pfm", [Self.float, Self.float])] {
      let line = "median --format \(format)"
      #expect(try run(line, input: Array(pictures.joined())).output == alone(line, pictures))
    }
  }

  @Test func a_stream_becomes_the_pages_of_a_TIFF_and_back() throws {
    let stream = Self.gray + Self.color + Self.gray
    try write(stream, to: "in.pnm")
    #expect(try run("median --radius 0 in.pnm -o out.tif").errors.isEmpty)
    #expect(try readPictures(folder.path("out.tif")).count == 3)
    #expect(try run("info out.tif").text.contains("pages:            3\n"))
    #expect(try run("info in.pnm").text.contains("pages:            3\n"))
    #expect(try run("median --radius 0 out.tif --format pnm").output == run("median --radius 0 in.pnm").output)
    #expect(try run("median --radius 0 --in-place in.pnm").status == 0)
    #expect(try readPictures(folder.path("in.pnm")).count == 3)
  }

  @Test func pages_of_a_stream_can_be_chosen() throws {
    let stream = Self.gray + Self.color + Self.plain + Self.alpha
    try write(stream, to: "in.pnm")
    for (pages, wanted) in [
      ("2", [Self.color]), ("1-2", [Self.gray, Self.color]), ("3", [Self.plain]), ("4", [Self.alpha]),
    ] {
      let line = "median --radius 0 --format pam --page \(pages)"
      let expected = try alone("median --radius 0 --format pam", wanted)
      #expect(try run(line, input: stream).output == expected)
      #expect(try run("\(line) in.pnm").output == expected)
    }
    for pages in ["5", "3-5"] {
      let outcome = try run("median --page \(pages) in.pnm -o out.pam")
      #expect(outcome.status == 1 && outcome.errors == "imbrex: in.pnm: there is no page 5: it has 4\n")
      #expect(folder.contents == ["in.pnm"])
    }
    #expect(try run("median --page 2 in.pnm -o out.png").status == 0)
  }

  @Test func what_holds_one_picture_refuses_a_stream() throws {
    try write(Self.gray + Self.color, to: "in.pnm")
    for (line, what) in [
      ("median in.pnm -o out.png", "a PNG holds one: use --page N, or write a TIFF"),
      ("median in.pnm -o out.jpg", "a JPEG holds one: use --page N, or write a TIFF"),
      ("median then tee out.png then sobel in.pnm -o out.pnm", "a PNG holds one: use --page N, or write a TIFF"),
      ("blob-detect in.pnm --overlay out.png", "an overlay is drawn on one: use --page N"),
    ] {
      let outcome = try run(line)
      #expect(outcome.status == 1 && outcome.errors == "imbrex: in.pnm: it has more than one picture, but \(what)\n")
      #expect(folder.contents == ["in.pnm"])
    }
  }

  @Test func blobs_of_a_stream_have_their_page() throws {
    let cells = try run("median --radius 0 --format pnm \(testImage("cells.png"))").output
    let line = "blob-detect --max-sigma 6 --threshold 0.1"
    let one = try run(line, input: cells).text.split(separator: "\n")
    let two = try run(line, input: cells + cells).text.split(separator: "\n")
    #expect(one.first == "y,x,sigma,radius" && two.first == "page,y,x,sigma,radius" && one.count > 3)
    #expect(two.dropFirst() == (one.dropFirst().map { "1,\($0)" } + one.dropFirst().map { "2,\($0)" })[...])
  }

  @Test func the_first_result_comes_before_the_last_picture_is_there() throws {
    try write(Self.gray, to: "one.pgm")
    // The second picture is given to the program only when the first has come out of it.
    let script = """
      cd "$1"
      mkfifo pipe
      "$2" median --radius 0 < pipe > out &
      exec 3> pipe
      cat one.pgm >&3
      for i in $(seq 500); do [ -s out ] && break; sleep 0.01; done
      cmp one.pgm out && echo first
      cat one.pgm >&3
      exec 3>&-
      wait $!
      cat one.pgm one.pgm | cmp - out && echo both
      """
    let outcome = try Program.shell(script, [folder.url.path, Program.url.path])
    #expect(outcome.text == "first\nboth\n", "\(outcome.text)\(outcome.errors)")
  }

  @Test func what_is_wrong_behind_the_first_picture_is_said() throws {
    for (rest, status, says) in [
      (Array("garbage".utf8), 0, "warning: what follows its last picture is none, and is left out"),
      ([0], 0, "warning: what follows its last picture is none, and is left out"),
      (Array("P5\n4".utf8), 1, "picture 2: the file ends within its header"),
      (Array("P5\n4 x".utf8), 1, "picture 2: the header has no height"),
      (Self.color.dropLast(), 1, "picture 2: the file ends after row 1 of 2"),
    ] as [([UInt8], Int32, String)] {
      let outcome = try run("median", input: Self.gray + rest)
      #expect(outcome.status == status && outcome.errors == "imbrex: standard input: \(says)\n", "\(outcome.errors)")
      try write(Self.gray + rest, to: "in.pnm")
      #expect(try run("median in.pnm -o out.pnm").status == status)
    }
    let tolerated = try run("median --radius 0 --allow-truncated", input: Self.gray + Self.color.dropLast())
    #expect(tolerated.status == 0 && tolerated.output.count == Self.gray.count + Self.color.count)
  }
}
