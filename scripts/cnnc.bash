# Completion for bash: commands, and the options that `cnnc COMMAND --help` prints.
_cnnc() {
  local word=${COMP_WORDS[COMP_CWORD]} commands command=compile
  commands=$(cnnc --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
  case " ${commands//$'\n'/ } " in *" ${COMP_WORDS[1]} "*) command=${COMP_WORDS[1]} ;; esac
  COMPREPLY=()
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(cnnc "$command" --help | grep -o '^  [^ ]*-[^ ]*\(, --[a-z-]*\)\?' | tr -d ,)" -- "$word")
  elif [[ $COMP_CWORD == 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
  fi
}
complete -o default -F _cnnc cnnc
