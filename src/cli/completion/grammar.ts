import type { CommandEntry, OptionEntry } from '../catalogue.ts';

/** What may follow a command: commands of its own or the values of its argument, and options. */
export interface Place {
  /** The words typed so far, without options: '' or `slo rules`. */
  command: string;
  words: { word: string; about: string }[];
  /** Its own and those of the program. */
  options: OptionEntry[];
}

export interface Grammar {
  places: Place[];
  /** Every option with a value, each once: one name has the same kind of value in all commands. */
  valued: OptionEntry[];
}

export const grammarOf = (entries: readonly CommandEntry[]): Grammar => {
  const [program, ...commands] = entries;
  const shared = (program?.options ?? []).filter(({ flags }) => !flags.includes('--version'));
  const places = entries.map(
    ({ words, options, choices }): Place => ({
      command: words.join(' '),
      words: [
        ...commands.filter((other) => isBelow(other, words)).map(wordOf),
        ...choices.map((word) => ({ word, about: word })),
      ],
      options: words.length === 0 ? options : onceByTerm([...options, ...shared]),
    }),
  );
  return { places, valued: onceByTerm(places.flatMap(({ options }) => options)).filter(takesValue) };
};

export const takesValue = ({ value }: OptionEntry): boolean => value !== undefined;

/** Whether the shell offers names of files as its value. */
export const takesFile = ({ value }: OptionEntry): boolean => value === 'file';

/** Flags of all options with a value, as a pattern of `case`. */
export const valuedPattern = ({ valued }: Grammar): string => valued.flatMap(({ flags }) => flags).join('|');

/** Arms of `case "$command $word"`: from the command typed so far to the one that its next word names. */
export const commandArms = ({ places }: Grammar, indent: string): string =>
  places
    .filter(({ command }) => command !== '')
    .map(({ command }) => {
      const words = command.split(' ');
      return `${indent}"${words.slice(0, -1).join(' ')} ${words.at(-1)}") command="${command}" ;;`;
    })
    .join('\n');

const isBelow = ({ words }: CommandEntry, parent: readonly string[]): boolean =>
  words.length === parent.length + 1 && parent.every((word, i) => word === words[i]);

const wordOf = ({ words, about }: CommandEntry): Place['words'][number] => ({ word: words.at(-1) ?? '', about });

const onceByTerm = (options: readonly OptionEntry[]): OptionEntry[] => [
  ...new Map(options.map((option) => [option.term, option])).values(),
];
