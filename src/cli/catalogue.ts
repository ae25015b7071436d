import type { Command, Option } from 'commander';
import { wordsOf } from './add-command.ts';

/** An option as `--help` shows it. */
export interface OptionEntry {
  /** `-o, --output <format>` */
  term: string;
  /** `-o`, `--output` */
  flags: string[];
  /** With its choices and its default. */
  about: string;
  /** How `--help` names its value; undefined where it needs none. */
  value: string | undefined;
  /** All that its value may be; none where that is open. */
  choices: readonly string[];
}

/** A command as `--help` shows it. */
export interface CommandEntry {
  /** After the name of the program: `['slo', 'rules']`; none for the program itself. */
  words: readonly string[];
  /** Heading of the overview that it stands below; '' for the program and for commands of a command. */
  group: string;
  /** `metricops slo rules [options] [policy]` */
  usage: string;
  about: string;
  /** Its own, without those of the program. */
  options: OptionEntry[];
  /** All that its first argument may be; none where that is open. */
  choices: readonly string[];
  /** What stands below the options: prose, examples, exit codes. */
  help: string;
  /** It has commands of its own, and does nothing by itself. */
  isGroup: boolean;
}

/** The program, and then each of its commands in the order of the overview. */
export const catalogueOf = (command: Command): CommandEntry[] => [
  entryOf(command),
  ...command.commands.flatMap(catalogueOf),
];

const entryOf = (command: Command): CommandEntry => {
  const helper = command.createHelp();
  return {
    words: wordsOf(command),
    group: command.helpGroup().replace(/:$/, ''),
    usage: helper.commandUsage(command),
    about: command.description(),
    options: helper.visibleOptions(command).map((option) => ({
      ...ofOption(option),
      about: helper.optionDescription(option),
    })),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    help: helpBelow(command),
    isGroup: command.parent !== null && command.commands.length > 0,
  };
};

const ofOption = ({ flags, short, long, required, argChoices }: Option): Omit<OptionEntry, 'about'> => ({
  term: flags,
  flags: [short, long].filter((flag) => flag !== undefined),
  value: required ? /<([^>]+)>/.exec(flags)?.[1] : undefined,
  choices: argChoices ?? [],
});

/** commander writes its own part first, and then the texts that were added to it. */
const helpBelow = (command: Command): string => {
  const parts: string[] = [];
  const before = command.configureOutput();
  command.configureOutput({ writeOut: (text) => void parts.push(text) }).outputHelp();
  command.configureOutput(before);
  return parts.slice(1).join('').trim();
};
