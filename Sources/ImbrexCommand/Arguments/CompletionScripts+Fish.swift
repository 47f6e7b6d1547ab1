import Imbrex

extension CompletionScripts {
  /// For fish, which reads options by itself once it is told which there are.
  static var fish: String {
    let expectedLines = expected.flatMap { expectation in
      expectation.words.map { word in
        "complete -c imbrex -n '__imbrex_expects \(expectation.name)' -a \(word.text) -d \(quoted(word.description))"
      }
    }
    let optionLines = lists.flatMap { list in list.options.map { line($0, condition(for: list.name)) } }
    return """
      # Completions of imbrex for fish, made by: imbrex --generate-completion-script fish

      # Prints what is expected at the cursor, the command (or -) and the stage (or -).
      function __imbrex_state
        set -l expects first
        set -l command -
        set -l stage -
        set -l value_of ''
        set -l plain ''
        set -l tokens (commandline -opc)
        set -e tokens[1]
        for word in $tokens
          if test -n "$value_of"
            set value_of ''
            continue
          end
          test -n "$plain"; and continue
          switch $word
            case --
              set plain 1
            case then
              switch $stage
                case -
                case \(tableMakers.joined(separator: " "))
                  set expects nothing
                  set stage -
                case '*'
                  set expects stage
                  set stage -
              end
            case \(patterns(valued).split(separator: "|").joined(separator: " "))
              set value_of $word
            case '-?*'
            case '*'
              switch $expects:$word
                case first:bench
                  set command bench
                  set expects filter
                case first:help
                  set command help
                  set expects topic
                case first:info
                  set command info
                  set expects file
                case topic:bench
                  set expects filter
                case 'topic:*'
                  set expects nothing
                case 'filter:*' 'first:*' 'stage:*'
                  set stage $word
                  set expects file
                  test $command = help; and set expects nothing
              end
          end
        end
        # After -- all words are files.
        test -n "$plain" -a $expects = file; and set expects plain
        string join ' ' $expects $command $stage
      end

      function __imbrex_expects
        string match -q "$argv[1] *" (__imbrex_state)
      end

      # Whether the state is one of some patterns.
      function __imbrex_is
        set -l state (__imbrex_state)
        for pattern in $argv
          string match -q -- $pattern $state; and return 0
        end
        return 1
      end

      complete -c imbrex -f
      complete -c imbrex -n '__imbrex_is "file *" "plain *"' -F
      complete -c imbrex -n '\(tableMakers.map { "not __imbrex_is \"file * \($0)\"; and " }.joined())__imbrex_is "file - *" "file bench *"' -a then -d \(quoted(then.description))
      \(expectedLines.joined(separator: "\n"))
      \(optionLines.joined(separator: "\n"))

      """
  }

  /// Where the options of a list may stand.
  private static func condition(for list: String) -> String {
    switch list {
    case "common": "__imbrex_is \"file - *\""
    case "table": "__imbrex_is " + tableMakers.map { "\"file - \($0)\"" }.joined(separator: " ")
    case "root": "__imbrex_expects first"
    case let name where CommandDefinition(named: name) != nil: "__imbrex_is \"file \(name) *\""
    default: "__imbrex_is \"file * \(list)\""
    }
  }

  private static func line(_ option: OptionDefinition, _ condition: String) -> String {
    var line = "complete -c imbrex -n \(quoted(condition)) -l \(option.name)"
    if let short = option.short { line += " -s \(short)" }
    if option.takesFile {
      line += " -r -F"
    } else if option.takesValue {
      line += option.words.isEmpty ? " -x" : " -x -a \(quoted(option.words.joined(separator: " ")))"
    }
    return line + " -d \(quoted(option.shortHelp))"
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "\\'") + "'"
  }
}
