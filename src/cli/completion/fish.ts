import type { OptionEntry } from '../catalogue.ts';
import { type Grammar, type Place, takesFile, takesValue } from './grammar.ts';

/** For fish from 3 up. */
export const fishScript = ({ places }: Grammar): string =>
  [
    '# fish completion for metricops',
    'complete -c metricops -f',
    ...places.flatMap((place) => [
      ...place.words.map(({ word, about }) => complete(`${isAt(place)} -a ${word} -d ${quoted(about)}`)),
      ...place.options.map((option) => complete(`${isIn(place)} ${optionWords(option)}`)),
    ]),
    '',
  ].join('\n');

const complete = (rest: string): string => `complete -c metricops ${rest}`;

/** All words of the command were typed. */
const isIn = ({ command }: Place): string => `-n '${seen(command)}'`;

/** They were, and none of the words that may come next. */
const isAt = ({ command, words }: Place): string => {
  const next = words.map(({ word }) => word).join(' ');
  return `-n '${seen(command)}${command === '' ? '' : `; and not __fish_seen_subcommand_from ${next}`}'`;
};

const seen = (command: string): string =>
  command === ''
    ? '__fish_use_subcommand'
    : command
        .split(' ')
        .map((word) => `__fish_seen_subcommand_from ${word}`)
        .join('; and ');

const optionWords = (option: OptionEntry): string => {
  const names = option.flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const value = takesFile(option) ? ['-r -F'] : takesValue(option) ? ['-x'] : [];
  const choices = option.choices.length === 0 ? [] : [`-a '${option.choices.join(' ')}'`];
  return [...names, ...value, ...choices, `-d ${quoted(option.about)}`].join(' ');
};

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
