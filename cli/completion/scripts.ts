export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** `__complete` answers with one candidate a line, `VALUE<TAB>HELP`, or with this line where the shell should offer files. */
export const FILES_MARK = ':files';

const BASH = `# kriptik completion for bash. Load it with: source <(kriptik completion bash)
_kriptik() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == '${FILES_MARK}' ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    fi
    line=\${line%%$'\\t'*}
    [[ $line == "$current"* ]] && COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${words[@]}" 2>/dev/null)
  # bash splits words at "=": what stands before it must not be repeated.
  if [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%"\${current##*=}"}"}")
  fi
}
complete -F _kriptik kriptik
`;

const ZSH = `#compdef kriptik
# kriptik completion for zsh. Load it with: source <(kriptik completion zsh)
_kriptik() {
  local line
  local -a values
  while IFS= read -r line; do
    if [[ $line == '${FILES_MARK}' ]]; then
      _files
      return
    fi
    values+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${line#*$'\\t'}:+:\${line#*$'\\t'}}")
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'kriptik' values
}
compdef _kriptik kriptik
`;

const FISH = `# kriptik completion for fish. Load it with: kriptik completion fish | source
function __kriptik_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if contains -- '${FILES_MARK}' $answer
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $answer
    end
end
complete -c kriptik -f -a '(__kriptik_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** The completion script of a shell, to be sourced. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
