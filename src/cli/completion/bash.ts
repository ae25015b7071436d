import type { OptionEntry } from '../catalogue.ts';
import { commandArms, type Grammar, type Place, takesFile, valuedPattern } from './grammar.ts';

/** For bash from 3.2 up, without the package bash-completion. `--output=json` comes as three words: `=` divides them. */
export const bashScript = (grammar: Grammar): string => `# bash completion for metricops
_metricops() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]]; then
    prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  COMPREPLY=()
  case "$prev" in
${grammar.valued.map(valueArm).join('\n')}
  esac
  local command="" value="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word == "=" ]]; then
      value=1
    elif [[ -n $value ]]; then
      value=""
    else
      case "$word" in
        ${valuedPattern(grammar)}) value=1 ;;
        *)
          case "$command $word" in
${commandArms(grammar, '            ')}
          esac
          ;;
      esac
    fi
  done
  local words="" options=""
  case "$command" in
${grammar.places.map(offer).join('\n')}
  esac
  [[ $cur == -* ]] && words="$options"
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _metricops metricops
`;

const FILES = 'compopt -o default 2>/dev/null; return';
const reply = (choices: readonly string[]): string =>
  choices.length === 0 ? 'return' : `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$cur")); return`;
const valueArm = (option: OptionEntry): string =>
  arm(option.flags.join('|'), takesFile(option) ? FILES : reply(option.choices));
const arm = (pattern: string, then: string): string => `    ${pattern}) ${then} ;;`;

const offer = ({ command, words, options }: Place): string => {
  const flags = options.flatMap((option) => option.flags);
  return arm(`"${command}"`, `words="${words.map(({ word }) => word).join(' ')}" options="${flags.join(' ')}"`);
};
