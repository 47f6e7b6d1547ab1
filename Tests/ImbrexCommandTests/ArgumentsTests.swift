import Imbrex
import ImbrexCommand
import TestSupport
import Testing

/// Command lines, and what the parser makes of them.
@Suite struct ArgumentsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let words: String
    /// What is read, as ``ArgumentsTests/summary(_:)`` writes it, or the message.
    let result: String
    var testDescription: String { words.isEmpty ? "no words" : words }
    init(_ words: String, _ result: String) { (self.words, self.result) = (words, result) }
  }

  // MARK: - What is read

  static let readable = [
    Case("", "help root"),
    Case("gaussian", "gaussian"),
    Case("gaussian in.png -o out.png", "gaussian | in.png | output=out.png"),
    Case("gaussian --sigma 2 in.png", "gaussian sigma=2 | in.png"),
    Case("gaussian --sigma=0,5 in.png", "gaussian sigma=0,5 | in.png"),
    Case("gaussian in.png --sigma 2 other.png", "gaussian sigma=2 | in.png other.png"),
    Case("edge --low -1 --high -0.5 -", "edge low=-1 high=-0.5 | -"),
    Case("edge --low=-1e-3 in.png", "edge low=-0.001 | in.png"),
    Case("gaussian -oout.png -j2 in.png", "gaussian | in.png | output=out.png jobs=2"),
    Case("gaussian -o=out.png -j 2 -qr in/", "gaussian | in/ | output=out.png recursive=yes jobs=2 quiet=yes"),
    Case("gaussian -qj2 in.png", "gaussian | in.png | jobs=2 quiet=yes"),
    Case("gaussian -q -q in.png", "gaussian | in.png | quiet=yes"),
    Case("gaussian -o --low in.png", "gaussian | in.png | output=--low"),
    Case("gaussian -- -q --sigma then", "gaussian | -q --sigma then"),
    Case("gaussian ./then in.png", "gaussian | ./then in.png"),
    Case("gaussian -o - -", "gaussian | - | output=-"),
    Case("gaussian --boundary symmetric in.png", "gaussian boundary=reflect | in.png"),
    Case("gaussian --format TIF in.png", "gaussian | in.png | format=tiff"),
    Case("gaussian --table csv then blob-detect", "gaussian > blob-detect | | table=csv"),
    Case("gaussian --in-place in.png", "gaussian | in.png | in-place="),
    Case("gaussian --in-place .bak", "gaussian | .bak | in-place="),
    Case("gaussian --in-place=.bak in.png", "gaussian | in.png | in-place=.bak"),
    Case("gaussian --include *.tif --include=*.png in/", "gaussian | in/ | include=*.tif *.png"),
    Case("gaussian -0 --files-from - -n", "gaussian | | files-from=- null=yes no-clobber=yes"),
    Case("gaussian --region 640x480+100+50 in.tif", "gaussian | in.tif | region=640x480+100+50"),
    Case("median --radius 2 --shape disk in.png", "median radius=2 shape=disk | in.png"),
    Case("median --size 3X5 in.png", "median size=3x5 | in.png"),
    Case("gaussian --sigma 2 then sobel in.png -o out.png", "gaussian sigma=2 > sobel | in.png | output=out.png"),
    Case(
      "gaussian --sigma 2 a.tif -j 2 then edge --sigma 3 b.tif -o c.png",
      "gaussian sigma=2 > edge sigma=3 | a.tif b.tif | output=c.png jobs=2"),
    Case(
      "gaussian --sigma 2 then tee smooth.tif then edge in.tif -o edges.png",
      "gaussian sigma=2 > tee(smooth.tif) > edge | in.tif | output=edges.png"),
    Case("gaussian in.tif then tee -q smooth.tif more.tif", "gaussian > tee(smooth.tif) | in.tif more.tif | quiet=yes"),
    Case("gaussian then tee -- -odd in.tif then", "gaussian > tee(-odd) | in.tif then"),
    Case(
      "bench gaussian --sigma 2 photo.png --runs 9 --tile 64x4096 --tile 256x256",
      "bench gaussian sigma=2 | photo.png | runs=9 tile=64x4096 256x256"),
    Case("bench median -j1,2,4 then edge --low 0.05 in.png", "bench median > edge low=0.05 | in.png | jobs=1,2,4"),
    Case("info", "info"),
    Case("info --json a.tif -- -b.tif", "info | a.tif -b.tif | json=yes"),
    Case("-h", "help root, short"), Case("--help", "help root"), Case("help", "help root"),
    Case("help edge", "help edge"), Case("help bench", "help bench"), Case("help bench edge", "help bench edge"),
    Case("gaussian -h", "help gaussian, short"), Case("gaussian --sigma 2 --help", "help gaussian"),
    Case("gaussian -qh", "help gaussian, short"), Case("gaussian then edge --help", "help edge"),
    Case("bench --help", "help bench"), Case("bench edge -h", "help bench edge, short"), Case("bench", "help bench"),
    Case("help then", "help chain"), Case("help tee", "help chain"), Case("help then tee", "help chain"),
    Case("gaussian then --help", "help chain"), Case("gaussian a.png then -h", "help chain, short"),
    Case("gaussian then tee --help", "help chain"), Case("bench gaussian then --help", "help chain"),
    Case("info -h", "help info, short"), Case("gaussian -- -h", "gaussian | -h"),
    Case("--version", "version"), Case("--version -v", "version, verbose"), Case("-v --version", "version, verbose"),
    Case("gaussian --version", "version"), Case("bench --version", "version"), Case("info --version", "version"),
    Case("--version --json", "version, json"), Case("gaussian --version --json", "version, json"),
    Case("--dump-definitions", "definitions"),
    Case("--generate-completion-script zsh", "completions zsh"),
    Case("--generate-completion-script=fish", "completions fish"),
  ]

  @Test(arguments: readable) func a_line_is_read(line: Case) throws {
    #expect(try Self.summary(CommandLineParser.parse(Self.words(line.words))) == line.result)
  }

  // MARK: - What is refused

  static let refused = [
    Case(
      "gausian in.png", "unknown filter 'gausian'; did you mean 'gaussian'? (\(filterNames), info, bench, job, help)"),
    Case("xyzzyx", "unknown filter 'xyzzyx' (\(filterNames), info, bench, job, help)"),
    Case("help nosuch", "unknown filter 'nosuch' (\(filterNames), info, bench, job, help)"),
    Case("help edge sobel", "help takes one name, not also 'sobel'"),
    Case("bench foo", "unknown filter 'foo' (\(filterNames), tee)"),
    Case("-j 2 gaussian in.png", "'-j' stands before the filter: imbrex FILTER -j …"),
    Case("bench --runs 3 edge", "'--runs' stands before the filter: imbrex bench FILTER --runs …"),
    Case(
      "--versoin",
      "unknown option '--versoin'; did you mean '--version'? (the filter comes first: imbrex FILTER [options])"),
    Case("--generate-completion-script tcsh", "--generate-completion-script is 'tcsh', but must be bash, zsh or fish"),
    Case("gaussian --sgima 2", "unknown option '--sgima'; did you mean '--sigma'?"),
    Case("gaussian --ouput x", "unknown option '--ouput'; did you mean '--output'?"),
    Case("gaussian -x", "unknown option '-x'"), Case("gaussian -qx", "unknown option '-x' in '-qx'"),
    Case("gaussian -5", "unknown option '-5'"),
    Case(
      "gaussian --sigma",
      "--sigma needs a value: a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"),
    Case(
      "gaussian --sigma= in.tif",
      "--sigma is empty, but must be a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"
    ),
    Case(
      "gaussian --sigma --low 3",
      "--sigma is '--low', but must be a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"
    ),
    Case(
      "edge --sigma abc",
      "--sigma is 'abc', but must be a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"
    ),
    Case(
      "edge --sigma 0x10",
      "--sigma is '0x10', but must be a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"
    ),
    Case(
      "edge --sigma inf",
      "--sigma is 'inf', but must be a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"
    ),
    Case("edge --low nan", "--low is 'nan', but must be a number"),
    Case(
      "edge --sigma then sobel",
      "--sigma needs a value: a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um"),
    Case("gaussian -o then sobel", "--output needs a value: a path"),
    Case("gaussian --jobs -3", "--jobs is '-3', but must be a whole number between 0 and 4096"),
    Case("gaussian --max-pixels 0", "--max-pixels is '0', but must be a whole number, such as 2000000000"),
    Case("gaussian --chunks 0x3", "--chunks is '0x3', but must be two whole numbers, such as 256x256"),
    Case(
      "gaussian --region 0x4+1+1",
      "--region is '0x4+1+1', but must be a width, a height and a place, such as 640x480+100+50"),
    Case("gaussian --linear=3", "--linear takes no value, but has '3'"),
    Case("gaussian --help=3", "--help takes no value, but has '3'"),
    Case("gaussian --in-place= in.png", "--in-place is empty, but must be a suffix without a slash"),
    Case("gaussian --in-place=a/b in.png", "--in-place is 'a/b', but must be a suffix without a slash"),
    Case("gaussian --output a then edge --output b", "--output is given twice"),
    Case("gaussian --sigma 1 --sigma 2", "--sigma is given twice"),
    Case("gaussian --radius 2", "--radius is an option of median, not of gaussian"),
    Case("gaussian --low 1 then edge", "--low is an option of edge, not of gaussian"),
    Case("edge --truncate=3", "--truncate is an option of gaussian, not of edge"),
    Case("edge --float", "--float is an option of gaussian, sobel and median, not of edge"),
    Case("gaussian --per-channel then sobel", "--per-channel is an option of sobel, not of gaussian"),
    Case("gaussian --mask a.png then edge --mask b.png", "--mask is given twice"),
    Case("gaussian --nodata much", "--nodata is 'much', but must be a number, nan or none"),
    Case("gaussian then tee --sigma 3 a.png", "--sigma is an option of gaussian, not of tee"),
    Case("gaussian --warmup 2", "--warmup is an option of bench, not of gaussian"),
    Case("gaussian -j= a.png", "--jobs is empty, but must be a whole number between 0 and 4096"),
    Case("gaussian --json", "--json goes with --explain and --truth only"),
    Case(
      "gaussian then blob-detect --json", "--json goes with --explain and --truth only; for a table use --table json"),
    Case("gaussian --table csv", "--table is an option of blob-detect, not of gaussian"),
    Case("bench gaussian -o x in.png", "--output is not an option of bench"),
    Case("bench gaussian --output x in.png", "--output is not an option of bench"),
    Case("info --sigma 3", "--sigma is an option of gaussian and edge, not of info"),
    Case("gaussian -0", "--null goes with --files-from only"),
    Case("gaussian --in-place -o x", "--output and --in-place exclude each other"),
    Case(
      "gaussian --in-place --incremental x",
      "--incremental does not go with --in-place: an input that is written over has changed"),
    Case("gaussian --chunks 2x2 --tile 9x9", "--chunks and --tile exclude each other"),
    Case("gaussian --serial --tile 9x9", "--serial does not go with --tile"),
    Case("blob-detect --format png", "--format does not go with blob-detect, which makes a table: use --table"),
    Case("gaussian then blob-detect --in-place", "--in-place does not go with blob-detect, which makes a table"),
    Case("bench edge --csv --json a.png", "--json and --csv exclude each other"),
    Case(
      "bench edge --plot a.xyz a.png", "--plot is 'a.xyz', but its extension must be .svg, or a picture's, such as .png"
    ),
    Case("bench gaussian", "bench needs an input: a picture, or - for standard input"),
    Case("bench gaussian a.png b.png", "bench takes one input, 'a.png', not also 'b.png'"),
    Case("then edge", "a filter comes before 'then'"), Case("tee out.tif", "a filter comes before 'tee'"),
    Case("gaussian then", "the name of a filter must come after 'then'"),
    Case("gaussian then then edge", "the name of a filter must come after 'then', not 'then'"),
    Case("gaussian then --sigma 2", "the name of a filter must come after 'then', not '--sigma'"),
    Case("gaussian then egde", "unknown filter 'egde'; did you mean 'edge'? (\(filterNames), tee)"),
    Case("gaussian then info", "unknown filter 'info' (\(filterNames), tee)"),
    Case("gaussian then tee", "tee needs a file: then tee FILE"),
    Case("gaussian then tee then edge", "tee needs a file: then tee FILE"),
    Case("blob-detect then edge", "blob-detect makes a table: no stage can come after it"),
  ]

  /// As messages name them.
  private static let filterNames = FilterDefinition.all.map(\.name).joined(separator: ", ")

  @Test(arguments: refused) func a_mistake_is_named(line: Case) throws {
    let error = #expect(throws: ImbrexError.self) { try CommandLineParser.parse(Self.words(line.words)) }
    #expect(error.map(messageText) == line.result)
    #expect(error?.code == .usage)
  }

  @Test func an_error_says_which_option_would_help() {
    var error = ImbrexError(.limit, "it claims 1600000000 pixels", remedy: .init("max-pixels", value: "1600000000"))
    #expect(messageText(error) == "it claims 1600000000 pixels: allow them with --max-pixels 1600000000")
    error = ImbrexError(.limit, "it takes 20 MiB", remedy: .init("max-memory", value: "20M"))
    #expect(messageText(error) == "it takes 20 MiB: allow it with --max-memory 20M")
    (error.message, error.option) = ("is too small", "max-memory")
    #expect(messageText(error) == "--max-memory is too small: at least 20 MiB are needed")
    error = ImbrexError(.input, "it has 3 pages, but a PNG holds one", remedy: .init("page"))
    #expect(messageText(error) == "it has 3 pages, but a PNG holds one: use --page N")
    error.remedy = .init("allow-truncated")
    #expect(messageText(error).hasSuffix(": use --allow-truncated"))
  }

  // MARK: - Values that do not go together

  static let contradictory = [
    Case("edge --low 0.5", "--low is 0.5, but must not be more than high, which is 0.2"),
    Case("edge --low 0.2 --high 0.1", "--high is 0.1, but must not be less than low, which is 0.2"),
    Case("edge --quantiles --high 3", "--high is 3, but must be a quantile, between 0 and 1"),
    Case("median --rank 1 --percentile 1", "--percentile and rank exclude each other"),
    Case("median --rank 9", "--rank is 9, but must be between -9 and 8, of a window of 9 pixels"),
    Case("median --footprint in.pgm --radius 2", "--footprint and radius exclude each other"),
    Case("median --size 3x10003", "--size is 3x10003, but must be at most 10001x10001"),
    Case("median --size 3x3 --radius 1", "--size and radius exclude each other"),
    Case("median --size 3x3 --shape disk", "--size does not go with the shape disk: give its radius"),
    Case(
      "sobel --operator roberts --direction vertical",
      "--direction is vertical, but must be magnitude, positive-diagonal or negative-diagonal with the operator roberts, whose differences "
        + "are diagonal"),
    Case(
      "sobel --direction positive-diagonal",
      "--direction is positive-diagonal, but must be magnitude, horizontal or vertical with the operator sobel"),
    Case("blob-detect --min-sigma 0", "--min-sigma is 0, but must be above 0"),
    Case("blob-detect --min-sigma 60", "--min-sigma is 60, but must not be more than max-sigma, which is 50"),
    Case("blob-detect --max-sigma 0.5", "--max-sigma is 0.5, but must not be less than min-sigma, which is 1"),
    Case(
      "blob-detect --method doh --min-sigma 0.2", "--min-sigma is 0.2, but must be at least 1/3 with the method doh"),
    Case(
      "blob-detect --method dog --num-sigma 3",
      "--num-sigma does not go with the method dog, which has a sigma-ratio instead"),
    Case("blob-detect --sigma-ratio 2", "--sigma-ratio goes with the method dog only, not with log"),
  ]

  @Test(arguments: contradictory) func values_that_do_not_go_together_are_refused(line: Case) throws {
    let error = #expect(throws: ImbrexError.self) { try Self.make(line.words) }
    #expect(error.map(messageText) == line.result)
  }

  @Test(arguments: FilterDefinition.all.filter { $0.needs == nil }.map(\.name)) func defaults_make_a_filter(
    name: String
  ) throws {
    try Self.make(name)
  }

  @Test func options_set_what_they_say() throws {
    let gaussian = try #require(try Self.make("gaussian --sigma 0,5 --boundary periodic --float") as? Gaussian)
    #expect(gaussian.sigmaY == 0 && gaussian.sigmaX == 5 && gaussian.boundary == .wrap && gaussian.makesFloat)
    let edge = try #require(try Self.make("edge --low 0.05 --linear") as? Edge)
    #expect(edge.low == 0.05 && edge.high == 0.2 && edge.sigmaY == 1 && edge.boundary == .constant && edge.isLinear)
  }

  @discardableResult private static func make(_ line: String) throws -> (any Filter)? {
    guard case .filter(let parsed) = try CommandLineParser.parse(words(line)),
      case .filter(let definition, let values)? = parsed.stages.first
    else { return nil }
    guard !definition.makesTable else {
      _ = try BlobDetector(values)
      return nil
    }
    return try definition.make(values) { _ in throw ImbrexError(.input, "no masks here") }
  }

  // MARK: - Summaries

  private static func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

  private static func summary(_ command: ParsedCommand) -> String {
    switch command {
    case .filter(let line): summary(line)
    case .varied(let line): "\(line.lines.count) times " + summary(line.lines[0])
    case .bench(let line): "bench " + summary(line)
    case .info(let line): "info" + summary(line)
    case .job(let line, let rest): "job" + summary(line) + (rest.isEmpty ? "" : " -- " + rest.joined(separator: " "))
    case .help(let topic, let isShort): "help \(name(topic))\(isShort ? ", short" : "")"
    case .version(let isVerbose, let isJSON): "version\(isVerbose ? ", verbose" : "")\(isJSON ? ", json" : "")"
    case .completionScript(let shell): "completions \(shell.rawValue)"
    case .definitions: "definitions"
    }
  }

  private static func name(_ topic: HelpTopic) -> String {
    switch topic {
    case .root: "root"
    case .chain: "chain"
    case .filter(let filter, _): filter.name
    case .command(let command): command.name
    case .commandOfFilter(let command, let filter): "\(command.name) \(filter.name)"
    }
  }

  /// `filter option=value > filter | input input | option=value`
  private static func summary(_ line: ParsedLine) -> String {
    let stages = line.stages.map { stage in
      switch stage {
      case .filter(let definition, let values): ([definition.name] + given(values)).joined(separator: " ")
      case .tee(let path): "tee(\(path))"
      }
    }
    let options = given(line.options)
    var text = stages.joined(separator: " > ")
    if !line.inputs.isEmpty || !options.isEmpty { text += " | " + line.inputs.joined(separator: " ") }
    if line.inputs.isEmpty && !options.isEmpty { text.removeLast() }
    return options.isEmpty ? text : text + " | " + options.joined(separator: " ")
  }

  private static func given(_ values: OptionValues) -> [String] {
    values.all.filter { values.isGiven($0.definition.name) }.map { "\($0.definition.name)=\($0.value!.description)" }
  }
}
