import type { OptionEntry } from '../catalogue.ts';
import { commandArms, type Grammar, type Place, takesFile, valuedPattern } from './grammar.ts';

/** For zsh from 5 up: to source, or as the file `_metricops` in a folder of $fpath. */
export const zshScript = (grammar: Grammar): string => `#compdef metricops
_metricops() {
  case "\${words[CURRENT-1]}" in
${grammar.valued.map(valueArm).join('\n')}
  esac
  local command="" value="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $value ]]; then
      value=""
      continue
    fi
    case "$word" in
      ${valuedPattern(grammar)}) value=1 ;;
      *)
        case "$command $word" in
${commandArms(grammar, '          ')}
        esac
        ;;
    esac
  done
  local -a found flags
  case "$command" in
${grammar.places.map(offer).join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option flags
  else
    _describe command found
  fi
}
if [[ \${funcstack[1]} == _metricops ]]; then
  _metricops "$@"
else
  compdef _metricops metricops
fi
`;

const valueArm = (option: OptionEntry): string =>
  `    ${option.flags.join('|')}) ${takesFile(option) ? '_files' : valuesOf(option.choices)}; return ;;`;

const valuesOf = (choices: readonly string[]): string =>
  choices.length === 0 ? "_message 'value'" : `compadd -- ${choices.join(' ')}`;

const offer = ({ command, words, options }: Place): string => {
  const found = words.map(({ word, about }) => described(word, about));
  const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.about)));
  return [
    `    "${command}")`,
    `      found=(${found.join(' ')})`,
    ...['      flags=(', ...flags.map((flag) => `        ${flag}`), '      )'],
    '      ;;',
  ].join('\n');
};

/** `word:about` in single quotes, where a colon of the word would end it. */
const described = (word: string, about: string): string =>
  `'${word.replaceAll(':', '\\:')}:${about.replaceAll("'", "'\\''")}'`;
