import Foundation
import TestSupport
import Testing

/// What cannot be done gets one line and a status, and writes nothing.
@Suite struct BadInputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  struct Failure: CustomTestStringConvertible, Sendable {
    let name: String
    let arguments: [String]
    let status: Int32
    let says: String
    var testDescription: String { name }
  }

  static let failures: [Failure] = [
    Failure(
      name: "missing", arguments: ["gaussian", "no-such.png", "-o", "OUT.png"], status: 1,
      says: "imbrex: no-such.png: cannot open: No such file or directory"),
    Failure(
      name: "empty", arguments: ["gaussian", "DAMAGED/empty.png", "-o", "OUT.png"], status: 1, says: "the file is empty"
    ),
    Failure(
      name: "truncated PNG", arguments: ["gaussian", "DAMAGED/truncated.png", "-o", "OUT.png"], status: 1,
      says: "truncated.png: "),
    Failure(
      name: "truncated JPEG", arguments: ["median", "DAMAGED/truncated.jpg", "-o", "OUT.png"], status: 1,
      says: "truncated.jpg: "),
    Failure(
      name: "truncated TIFF", arguments: ["edge", "DAMAGED/truncated.tif", "-o", "OUT.png"], status: 1,
      says: "truncated.tif: "),
    Failure(name: "bad CRC", arguments: ["sobel", "DAMAGED/crc.png", "-o", "OUT.png"], status: 1, says: "crc.png: "),
    Failure(
      name: "not a picture", arguments: ["sobel", "DAMAGED/not-a-picture.png", "-o", "OUT.png"], status: 1,
      says: "not a picture of a known format"),
    Failure(
      name: "absurd size", arguments: ["sobel", "DAMAGED/huge-header.png", "-o", "OUT.png"], status: 1,
      says: "--max-pixels"),
    Failure(
      name: "a limit", arguments: ["sobel", "PHOTO", "--max-pixels", "1000", "-o", "OUT.png"], status: 1,
      says: "--max-pixels"),
    Failure(
      name: "a directory as a file", arguments: ["sobel", "PHOTO", "-o", "missing-folder/out.png"], status: 1,
      says: "missing-folder/out.png: missing-folder does not exist: make it first"),
    Failure(
      name: "no output format", arguments: ["sobel", "PHOTO", "-o", "OUT.xyz"], status: 2, says: "the format of "),
    Failure(
      name: "a page of no number", arguments: ["median", "--page", "0", "PHOTO"], status: 2,
      says: "--page is '0', but must be a page from 1, a range such as 2-5, or places in a stack such as c=1,z=3-9"),
    Failure(name: "an unknown filter", arguments: ["gausian", "PHOTO"], status: 2, says: "did you mean 'gaussian'"),
    Failure(name: "an unknown option", arguments: ["gaussian", "--sigm", "2", "PHOTO"], status: 2, says: "--sigma"),
    Failure(
      name: "a negative sigma", arguments: ["gaussian", "--sigma", "-1", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "--sigma"),
    Failure(
      name: "a sigma of words", arguments: ["gaussian", "--sigma", "big", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "big"),
    Failure(
      name: "an infinite sigma", arguments: ["gaussian", "--sigma", "inf", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "--sigma"),
    Failure(
      name: "a rank beyond the window",
      arguments: ["median", "--size", "4x4", "--rank", "16", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "--rank is 16, but must be between -16 and 15, of a window of 16 pixels"),
    Failure(
      name: "thresholds out of order", arguments: ["edge", "--low", "0.5", "--high", "0.2", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "--high"),
    Failure(
      name: "quantiles beyond 1", arguments: ["edge", "--quantiles", "--high", "3", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "between 0 and 1"),
    Failure(
      name: "doh below its least sigma", arguments: ["blob-detect", "--method", "doh", "--min-sigma", "0.2", "PHOTO"],
      status: 2, says: "--min-sigma"),
    Failure(
      name: "a halo too small", arguments: ["gaussian", "--sigma", "2", "--halo", "3", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "--halo"),
    Failure(
      name: "jobs", arguments: ["gaussian", "--jobs", "-3", "PHOTO", "-o", "OUT.png"], status: 2, says: "--jobs"),
    Failure(
      name: "a grid", arguments: ["gaussian", "--chunks", "0x3", "PHOTO", "-o", "OUT.png"], status: 2, says: "--chunks"),
    Failure(
      name: "float into PNG", arguments: ["gaussian", "--float", "PHOTO", "-o", "OUT.png"], status: 2, says: "--float"),
    Failure(
      name: "two inputs, one output", arguments: ["gaussian", "PHOTO", "IMAGES/shapes.png", "-o", "OUT.png"], status: 2,
      says: "directory"),
    Failure(
      name: "a mask of another size", arguments: ["edge", "--mask", "IMAGES/pixel.png", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "mask"),
    Failure(
      name: "a missing mask", arguments: ["edge", "--mask", "no-mask.png", "PHOTO", "-o", "OUT.png"], status: 1,
      says: "no-mask.png: cannot open"),
    Failure(
      name: "roberts with a direction",
      arguments: ["sobel", "--operator", "roberts", "--direction", "vertical", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "roberts"),
  ]

  @Test(arguments: failures)
  func bad_input_gets_one_line_and_a_status_and_writes_nothing(failure: Failure) throws {
    let arguments = failure.arguments.map {
      $0.replacingOccurrences(of: "DAMAGED/", with: testImage("damaged") + "/").replacingOccurrences(
        of: "IMAGES/", with: testImage("") + "/"
      )
      .replacingOccurrences(of: "PHOTO", with: testImage("photo.png"))
      .replacingOccurrences(of: "OUT.", with: folder.path("out."))
    }
    let outcome = try Program.run(arguments, folder: folder.url)
    #expect(outcome.status == failure.status, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(
      lines.count == 1 && outcome.errors.hasPrefix("imbrex: ") && outcome.errors.contains(failure.says),
      "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(folder.contents.isEmpty, "\(folder.contents)")
  }

  @Test func a_full_device_is_an_error() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    for format in ["png", "jpeg", "pam", "tiff"] {
      let outcome = try Program.run(["gaussian", testImage("photo.png"), "--format", format, "-o", "/dev/full"])
      #expect(outcome.status == 1 && outcome.errors.hasPrefix("imbrex: /dev/full: "), "\(format): \(outcome.errors)")
    }
  }

  @Test func an_interrupted_run_leaves_nothing_behind() throws {
    // Standard input stays open, so that the run waits in the middle of the picture.
    let script = """
      cd "$1"
      pipe=$(mktemp -u)
      mkfifo "$pipe"
      { head -c 100000 "$3"; exec sleep 20; } > "$pipe" &
      writer=$!
      "$2" gaussian - -o out.png < "$pipe" &
      for i in $(seq 500); do [ -n "$(ls -A)" ] && break; sleep 0.01; done
      ls -A | wc -l
      kill -TERM $!
      wait $!
      echo $?
      kill -KILL $writer
      rm "$pipe"
      ls -A | wc -l
      """
    let outcome = try Program.shell(script, [folder.url.path, Program.url.path, testImage("photo.png")])
    #expect(outcome.text.split { " \n".contains($0) } == ["1", "143", "0"], "\(outcome.text) \(outcome.errors)")
  }

  @Test func a_closed_pipe_ends_the_run_quietly() throws {
    let outcome = try Program.shell(
      "\"$1\" gaussian --format pam \"$2\" | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}",
      [Program.url.path, testImage("photo.png")])
    #expect(outcome.text == "0\n" && outcome.errors.isEmpty)
  }

  // A sanitizer's own files grow past the limit too.
  @Test(.disabled(if: ProcessInfo.processInfo.environment["IMBREX_SANITIZED"] != nil))
  func a_file_that_grows_past_its_limit_is_an_error_and_leaves_nothing() throws {
    let outcome = try Program.shell(
      "cd \"$1\"; ulimit -f 10; \"$2\" gaussian \"$3\" -o out.png; echo $?; ls -A | wc -l",
      [folder.url.path, Program.url.path, testImage("photo.png")])
    #expect(outcome.text.split { " \n".contains($0) } == ["1", "0"])
    #expect(outcome.errors == "imbrex: out.png: the file cannot be written: File too large\n")
  }

  @Test func closed_standard_descriptors_are_not_given_to_pictures() throws {
    // With standard error closed, the output would be descriptor 2, and the warning would be written into it.
    let script = """
      cd "$1"
      "$2" gaussian "$3" -o with.jpg 2>/dev/null
      "$2" gaussian "$3" -o without.jpg 2>&-
      cmp with.jpg without.jpg && echo same
      "$2" gaussian <&-
      echo $?
      """
    let outcome = try Program.shell(script, [folder.url.path, Program.url.path, testImage("noise16.png")])
    #expect(outcome.text == "same\n1\n", "\(outcome.errors)")
    #expect(outcome.errors == "imbrex: standard input: cannot read: Bad file descriptor\n")
  }

  @Test func help_and_version_go_to_standard_output() throws {
    for arguments in [
      ["--help"], ["help", "gaussian"], ["median", "--help"], ["bench", "edge", "-h"], ["--version"],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 0 && !outcome.output.isEmpty && outcome.errors.isEmpty, "\(arguments)")
    }
    #expect(try Program.run(["--version", "-v"]).text.contains("kernels: "))
  }

  @Test func a_short_help_has_the_filters_own_options_and_examples() throws {
    let short = try Program.run(["median", "-h"]).text, whole = try Program.run(["median", "--help"]).text
    #expect(short.contains("--radius") && short.contains("EXAMPLES") && !short.contains("--max-memory"))
    #expect(whole.contains("--radius") && whole.contains("--max-memory"))
    // After --, a word is a file.
    #expect(try Program.run(["median", "--", "-h"]).status == 1)
  }
}
