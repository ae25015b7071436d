import type { OptionEntry } from '../catalogue.ts';
import { type Grammar, type Place, takesFile } from './grammar.ts';

/** For bash from 3.2 up, without the package bash-completion. `--output=json` comes as three words: `=` divides them. */
export const bashScript = ({ places, valued }: Grammar): string => `# bash completion for metricops
_metricops() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]]; then
    prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  COMPREPLY=()
  case "$prev" in
${valued.map(valueArm).join('\n')}
  esac
  local command="" value="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word == "=" ]]; then
      value=1
    elif [[ -n $value ]]; then
      value=""
    else
      case "$word" in
        ${valued.flatMap(({ flags }) => flags).join('|')}) value=1 ;;
        *)
          case "$command $word" in
${places.flatMap(steps).join('\n')}
          esac
          ;;
      esac
    fi
  done
  local words="" options=""
  case "$command" in
${places.map(offer).join('\n')}
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

/** From the command typed so far to the one that its next word names. */
const steps = ({ command }: Place): string[] => {
  if (command === '') return [];
  const words = command.split(' ');
  return [`            "${words.slice(0, -1).join(' ')} ${words.at(-1)}") command="${command}" ;;`];
};

const offer = ({ command, words, options }: Place): string => {
  const flags = options.flatMap((option) => option.flags);
  return arm(`"${command}"`, `words="${words.map(({ word }) => word).join(' ')}" options="${flags.join(' ')}"`);
};
