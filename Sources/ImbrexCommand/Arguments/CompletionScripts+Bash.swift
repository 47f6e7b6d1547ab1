import Imbrex

extension CompletionScripts {
  /// For bash, back to the 3.2 of macOS.
  ///
  /// Where a file may stand nothing is offered, and the shell's own completion of files takes over, which knows about quoting.
  static var bash: String {
    let optionCases = lists.map { list in
      "    \(list.name)) echo \"\(list.options.map { "--\($0.name)" }.joined(separator: " "))\" ;;"
    }
    let valueCases = choices.map {
      "    \(patterns([$0.option]))) _imbrex_offer \"\($0.words.joined(separator: " "))\" ;;"
    }
    let expectedCases = expected.map { "    \($0.name)) words=\"\(joined($0.words))\" ;;" }
    return """
      # Completions of imbrex for bash, made by: imbrex --generate-completion-script bash

      _imbrex_options() {
        case $1 in
      \(optionCases.joined(separator: "\n"))
        esac
      }

      # Offers words, and no files.
      _imbrex_offer() {
        compopt +o default +o bashdefault 2>/dev/null
        COMPREPLY=($(compgen -W "$1" -- "$cur"))
      }

      # Offers the values of an option.
      _imbrex_values() {
        case $1 in
      \(valueCases.joined(separator: "\n"))
          \(patterns(fileOptions))) ;;
          *) _imbrex_offer "" ;;
        esac
      }

      _imbrex() {
        local IFS=$' \\t\\n' cur=${COMP_WORDS[COMP_CWORD]} expects=first command= stage= value_of= last= plain= word words i
        COMPREPLY=()
        for ((i = 1; i < COMP_CWORD; i++)); do
          word=${COMP_WORDS[i]}
          # The shell cuts --option=value in three.
          if [[ $word == = && -n $last ]]; then
            value_of=$last
            continue
          fi
          last=
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
            \(patterns(valued))) value_of=$word last=$word ;;
            -?*) last=$word ;;
            *)
              case $expects:$word in
                first:bench) command=bench expects=filter ;;
                first:help) command=help expects=topic ;;
                first:info) command=info expects=file ;;
                topic:bench) expects=filter ;;
                topic:*) expects=nothing ;;
                filter:*) stage=$word expects=file; [[ $command == help ]] && expects=nothing ;;
                first:* | stage:*) stage=$word expects=file ;;
              esac
              ;;
          esac
        done
        if [[ $cur == = && -n $last ]]; then
          value_of=$last cur=
        fi
        if [[ -n $value_of ]]; then
          _imbrex_values "$value_of"
          return
        fi
        if [[ $cur == -?* || $cur == - ]] && [[ -z $plain ]]; then
          words=
          case $expects:$command in
            first:*) words=$(_imbrex_options root) ;;
            file:info) words=$(_imbrex_options info) ;;
            file:bench) words="$(_imbrex_options "$stage") $(_imbrex_options bench)" ;;
            file:) words="$(_imbrex_options "$stage") $(_imbrex_options common)" ;;
          esac
          case $expects:$command:$stage in
            \(tableMakers.map { "file::\($0)" }.joined(separator: "|"))) words="$words $(_imbrex_options table)" ;;
          esac
          _imbrex_offer "$words"
          return
        fi
        case $expects in
      \(expectedCases.joined(separator: "\n"))
          file)
            # Files alone are left to the shell.
            if [[ -n $cur && then == "$cur"* && -n $stage && -z $plain\(tableMakers.map { " && $stage != \($0)" }.joined()) ]]; then
              compopt -o filenames 2>/dev/null
              COMPREPLY=(then)
              while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
            fi
            return
            ;;
          *) words= ;;
        esac
        _imbrex_offer "$words"
      }

      complete -o bashdefault -o default -F _imbrex imbrex

      """
  }
}
