import Foundation
import Imbrex
import ImbrexCommand
import TestSupport
import Testing

/// Completions, asked of real shells.
@Suite struct CompletionTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    for shell in Shell.allCases {
      try CompletionScripts.script(for: shell).write(
        toFile: folder.path(shell.rawValue), atomically: true, encoding: .utf8)
    }
    try FileManager.default.createDirectory(atPath: folder.path("work"), withIntermediateDirectories: true)
    for name in ["photo.png", "those.tif"] {
      try Data().write(to: URL(fileURLWithPath: folder.path("work/" + name)))
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    /// The words after `imbrex`; the last is the one at the cursor.
    let words: [String]
    let offered: [String]
    let notOffered: [String]
    /// Whether files are offered: those of the working directory that begin with the last word.
    let files: Bool
    var testDescription: String { words.joined(separator: " ") }
    init(_ words: String, _ offered: [String], not notOffered: [String] = [], files: Bool = false) {
      self.words = words.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      (self.offered, self.notOffered, self.files) = (offered, notOffered, files)
    }
  }

  static let filters = FilterDefinition.all.map(\.name)
  static let modes = ["reflect", "mirror", "nearest", "wrap", "constant"]

  static let cases: [Case] =
    [
      Case("", filters + ["info", "bench", "help"], not: ["tee", "then", "photo.png"]),
      Case("ga", ["gaussian"], not: ["sobel"]),
      Case("--", ["--help", "--version", "--json", "--generate-completion-script"], not: ["--sigma"]),
      Case("--generate-completion-script ", ["bash", "zsh", "fish"], not: filters),
      Case("help ", filters + ["info", "bench", "then", "tee"], not: ["help", "photo.png"]),
      Case("help bench ", filters, not: ["info"]), Case("help edge ", [], not: filters + ["photo.png"]),
      Case("bench ", filters, not: ["info", "tee", "photo.png"]),
      Case("gaussian ", [], not: filters, files: true), Case("gaussian ph", [], files: true),
      Case("gaussian th", ["then"], files: true),
      Case("gaussian in.png then ", filters + ["tee"], not: ["info", "photo.png"]),
      Case("blob-detect then ", [], not: filters + ["tee", "photo.png"]),
      Case("gaussian then blob-detect in.png then ", [], not: filters + ["tee", "photo.png"]),
      Case("blob-detect th", [], not: ["then"], files: true),
      Case("gaussian -o then ", [], not: filters, files: true),
      Case("gaussian --sigma ", [], not: ["photo.png", "then"]),
      Case("gaussian --output ", [], not: ["then"], files: true), Case("gaussian -o ", [], not: ["then"], files: true),
      Case("gaussian -- --si", [], not: ["--sigma"]), Case("gaussian -- ", [], not: ["then"], files: true),
      Case("gaussian --", ["--sigma", "--output", "--jobs", "--help"], not: ["--radius", "--table", "--warmup"]),
      Case("gaussian --sig", ["--sigma"], not: ["--output"]),
      Case("gaussian then edge --", ["--low", "--output"], not: ["--truncate"]),
      Case("gaussian then tee ", [], not: filters, files: true),
      Case("gaussian then tee --", ["--output"], not: ["--sigma"]),
      Case("gaussian --boundary wrap then median --", ["--radius"], not: ["--truncate"]),
      Case("blob-detect --", ["--method", "--table", "--overlay"], not: ["--warmup"]),
      Case("gaussian then blob-detect --table ", ["csv", "tsv", "json", "ndjson"], not: ["photo.png"]),
      Case("bench gaussian --", ["--sigma", "--warmup"], not: ["--output", "--low"]),
      Case("bench gaussian then edge --", ["--low", "--warmup"], not: ["--truncate"]),
      Case("bench gaussian ", [], not: filters, files: true),
      Case("info --", ["--json"], not: ["--output"]), Case("info ", [], not: ["then"], files: true),
      Case("edge --mask ", [], not: ["then"], files: true),
      Case("gaussian --compression ", ["fast", "balanced", "small"], not: ["photo.png"]),
      Case("gaussian -f ", ["png", "jpeg", "tiff"], not: ["photo.png"]),
      Case("gaussian --boundary=", modes, not: ["photo.png"]),
      Case("gaussian --boundary=re", ["reflect"], not: ["wrap"]),
      Case("gaussian --progress=a", ["auto", "always"], not: ["never"]),
      Case("gaussian --boundary=wrap then ", filters),
    ] + everyChoice

  /// Every option of words, wherever it is, with the words that it takes.
  static let everyChoice: [Case] =
    FilterDefinition.all.flatMap { filter in
      (filter.options + CommonOptionList.all).compactMap { option in
        guard case .choice(let words, _) = option.kind,
          filter.makesTable || !CommonOptionList.tableOptions.contains(where: { $0.name == option.name })
        else { return nil }
        return Case("\(filter.name) --\(option.name) ", words, not: ["photo.png", "gaussian"])
      }
    }

  @Test(.enabled(if: has("bash"))) func bash_offers_what_may_come() throws {
    let script = """
      cd "$2"; source "$1"
      # What the shell would do by itself where nothing is offered.
      compopt() { [[ $1 == +o ]] && files=no; return 0; }
      complete -p imbrex >/dev/null || exit 1
      while IFS= read -r line; do
        # As readline cuts it: = is a word of its own.
        COMP_WORDS=(imbrex); COMP_LINE="imbrex $line"; rest=$line
        while :; do
          word=${rest%% *}
          while [[ $word == *=* ]]; do
            COMP_WORDS+=("${word%%=*}" =); word=${word#*=}
            [[ -z $word ]] && break
          done
          [[ -n $word || $rest != *= ]] && COMP_WORDS+=("$word")
          [[ $rest == *' '* ]] || break
          rest=${rest#* }
        done
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}; files=yes; COMPREPLY=()
        _imbrex imbrex
        [[ ${#COMPREPLY[@]} == 0 && $files == yes ]] && COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
        echo "${COMPREPLY[*]}"
      done
      """
    try check(offers(["bash", "--norc", "-c", script, "bash"], .bash))
  }

  @Test(.enabled(if: has("zsh"))) func zsh_offers_what_may_come() throws {
    let script = """
      cd $2
      compdef() { : }
      # In place of the completion system's own: they print.
      compadd() { [[ $1 == -- ]] && shift; print -rn -- "$* " }
      _files() { local -a f=(*(N)); compadd -- $f }
      _describe() { [[ $1 == -o ]] && shift; local -a names=("${(@P)2}"); compadd -- ${names%%:*} }
      compset() { : }
      source $1
      while IFS= read -r line; do
        words=(imbrex "${(@s: :)line}"); CURRENT=$#words
        _imbrex; print
      done
      """
    try check(offers(["zsh", "-f", "-c", script, "zsh"], .zsh), isFiltered: false)
  }

  /// Zsh with its completion system: the script is found in `fpath`, and what is offered is shown.
  @Test(.enabled(if: has("zsh"))) func zsh_completes_at_a_terminal() throws {
    try FileManager.default.copyItem(atPath: folder.path("zsh"), toPath: folder.path("_imbrex"))
    let script = """
      zmodload zsh/zpty || exit 0
      zpty shell "TERM=dumb zsh -f -i"
      zpty -w shell "PS1=; cd $2; fpath=($1:h \\$fpath); autoload -U compinit; compinit -u -D"
      zpty -w shell 'report() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N report; bindkey "^X" report'
      zpty -w shell 'print rea""dy'
      zpty -r shell output '*ready*'
      while IFS= read -r line; do
        zpty -w -n shell "$line"$'\\t\\x18'
        zpty -r shell output '*<*>*'
        print -r -- "$output"
      done
      zpty -d shell
      """
    let lines = [
      "imbrex gaussian --boundary=re", "imbrex gaussian --sigma 2 then edge --quan", "imbrex gaussian -o pho",
    ]
    let outcome = try run(
      ["zsh", "-f", "-c", script, "zsh", folder.path("_imbrex"), folder.path("work")],
      input: lines.joined(separator: "\n"))
    #expect(outcome.text.contains("--boundary=reflect"), "\(outcome.text) \(outcome.errors)")
    #expect(outcome.text.contains("edge --quantiles"), "\(outcome.text)")
    #expect(outcome.text.contains("-o photo.png"), "\(outcome.text)")
  }

  @Test(.enabled(if: has("fish"))) func fish_offers_what_may_come() throws {
    let script = """
      cd $argv[2]; source $argv[1]
      while read -l line
        set -l offered (complete -C "imbrex $line" | string replace -r '\\t.*' '' | string replace -r -- '^--[a-z-]+=' '')
        printf '%s\\n' "$offered"
      end
      """
    try check(offers(["fish", "--no-config", "-c", script], .fish))
  }

  // MARK: - Helpers

  private static func has(_ shell: String) -> Bool {
    (try? Program.shell("command -v \(shell)", []))?.status == 0
  }

  private func run(_ command: [String], input: String) throws -> Program.Outcome {
    try (input + "\n").write(toFile: folder.path("input"), atomically: true, encoding: .utf8)
    return try Program.shell("input=$1; shift; exec \"$@\" < \"$input\"", [folder.path("input")] + command)
  }

  /// What a shell offers for each case: a script gets the completions' path and the working directory, and prints a line a case.
  private func offers(_ command: [String], _ shell: Shell) throws -> [[String]] {
    let input = Self.cases.map { $0.words.joined(separator: " ") }.joined(separator: "\n")
    let outcome = try run(command + [folder.path(shell.rawValue), folder.path("work")], input: input)
    #expect(outcome.errors == "")
    return outcome.text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.split(separator: " ").map(String.init)
    }
  }

  /// - Parameter isFiltered: Whether what does not begin with the last word has been left out.
  private func check(_ offers: [[String]], isFiltered: Bool = true) {
    #expect(offers.count >= Self.cases.count)
    for (expected, offered) in zip(Self.cases, offers) {
      for word in expected.offered { #expect(offered.contains(word), "'\(expected.testDescription)': \(offered)") }
      let rest =
        isFiltered ? expected.notOffered : expected.notOffered.filter { $0.contains(".") || expected.words.last == "" }
      for word in rest { #expect(!offered.contains(word), "'\(expected.testDescription)': \(offered)") }
      guard expected.files else { continue }
      for file in ["photo.png", "those.tif"] where file.hasPrefix(expected.words.last!) {
        #expect(offered.contains(file), "'\(expected.testDescription)': \(offered)")
      }
    }
  }
}
