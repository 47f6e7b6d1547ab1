import Imbrex

extension CompletionScripts {
  /// For zsh: to be sourced, or found in `fpath` as `_imbrex`.
  static var zsh: String {
    func described(_ words: [Word]) -> String {
      words.map { quoted("\($0.text):\($0.description)") }.joined(separator: " ")
    }
    func described(_ options: [OptionDefinition]) -> String {
      options.map { quoted("--\($0.name):\($0.shortHelp)") }.joined(separator: " ")
    }
    let optionCases = lists.map { "    \($0.name)) options+=(\(described($0.options))) ;;" }
    let valueCases = choices.map { "    \(patterns([$0.option]))) compadd -- \($0.words.joined(separator: " ")) ;;" }
    let expectedCases = expected.map { "    \($0.name)) offered=(\(described($0.words))) ;;" }
    return """
      #compdef imbrex
      # Completions of imbrex for zsh, made by: imbrex --generate-completion-script zsh

      # Adds a list of options to `options`.
      _imbrex_options() {
        case $1 in
      \(optionCases.joined(separator: "\n"))
        esac
      }

      # Offers the values of an option.
      _imbrex_values() {
        case $1 in
      \(valueCases.joined(separator: "\n"))
          \(patterns(fileOptions))) _files ;;
        esac
      }

      _imbrex() {
        local cur=$words[CURRENT] expects=first command stage value_of plain word
        local -a options offered
        local -i i
        for ((i = 2; i < CURRENT; i++)); do
          word=$words[i]
          if [[ -n $value_of ]]; then
            value_of=
            continue
          fi
          [[ -n $plain ]] && continue
          case $word in
            --) plain=1 ;;
            then)
              case $stage in
                '') ;;
                \(tableMakers.joined(separator: "|"))) expects=nothing stage= ;;
                *) expects=stage stage= ;;
              esac
              ;;
            \(patterns(valued))) value_of=$word ;;
            -?*) ;;
            *)
              case $expects:$word in
                first:bench) command=bench expects=filter ;;
                first:help) command=help expects=topic ;;
                first:info) command=info expects=file ;;
                topic:bench) expects=filter ;;
                topic:*) expects=nothing ;;
                filter:*) stage=$word expects=file; [[ $command == help ]] && expects=nothing ;;
                first:*|stage:*) stage=$word expects=file ;;
              esac
              ;;
          esac
        done
        if [[ -n $value_of ]]; then
          _imbrex_values $value_of
          return
        fi
        if [[ $cur == --*=* && -z $plain ]]; then
          compset -P 1 '*='
          _imbrex_values ${cur%%=*}
          return
        fi
        if [[ $cur == -* && -z $plain ]]; then
          case $expects:$command in
            first:*) _imbrex_options root ;;
            file:info) _imbrex_options info ;;
            file:bench) _imbrex_options "$stage"; _imbrex_options bench ;;
            file:) _imbrex_options "$stage"; _imbrex_options common ;;
          esac
          case $expects:$command:$stage in
            \(tableMakers.map { "file::\($0)" }.joined(separator: "|"))) _imbrex_options table ;;
          esac
          _describe -o option options
          return
        fi
        case $expects in
      \(expectedCases.joined(separator: "\n"))
          file)
            [[ -n $stage && -z $plain\(tableMakers.map { " && $stage != \($0)" }.joined()) ]] && compadd -- then
            _files
            return
            ;;
          *) return 1 ;;
        esac
        _describe word offered
      }

      if [[ $funcstack[1] == _imbrex ]]; then
        _imbrex "$@"
      else
        compdef _imbrex imbrex
      fi

      """
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
