import { type CommandEntry, catalogueOf, type OptionEntry } from '../../src/cli/catalogue.ts';
import { commandLine } from '../../src/cli/command-line.ts';
import { exitCodesOf } from '../../src/cli/exit-codes.ts';
import { cell } from './markdown.ts';

/** docs/cli.md: every command, from what `--help` prints. */
export const cliPage = (): string => {
  const [program, ...commands] = catalogueOf(offline());
  if (!program) throw new TypeError('a program has an entry');
  const callable = commands.filter(({ isGroup }) => !isGroup);
  return `${[head(program), overview(callable), ...callable.map(section)].join('\n\n')}\n`;
};

/** The command line without a cluster: nothing of it is run. */
const offline = (): ReturnType<typeof commandLine> => {
  const refuse = async (): Promise<never> => {
    throw new Error('a page needs no cluster');
  };
  const nothing = (): void => {};
  const io = { out: nothing, err: nothing, input: refuse, connect: refuse, now: () => 0, sleep: refuse };
  return commandLine(
    [],
    { ...io, manifests: () => ({ first: [], rest: [], additions: [] }), name: 'metricops', version: '' },
    { code: 0, failure: 1 },
  );
};

const head = (program: CommandEntry): string =>
  [
    '# Command line',
    '',
    `${program.about} \`metricops\` needs only the Kubernetes API and the rights of the person who runs it; with a link named \`kubectl-metricops\` on the PATH it is \`kubectl metricops\`, too. What it prints is a table for people; \`-o json\` and \`-o yaml\` print objects for scripts, and [api-versions.md](api-versions.md) says what of that is stable.`,
    '',
    'WORKLOAD is `deploy/NAME`, `sts/NAME` or `ds/NAME`; a bare `NAME` is a Deployment.',
    '',
    '## Options of all commands',
    '',
    ...optionsTable(program.options),
    '',
    '## Exit codes',
    '',
    'Commands with other ones have them in their own table.',
    '',
    ...exitCodesTable(''),
    '',
    '## Commands',
  ].join('\n');

const overview = (commands: readonly CommandEntry[]): string =>
  [
    '| command | what it does |',
    '|---|---|',
    ...commands.map((entry) => `| [\`${nameOf(entry)}\`](#${anchorOf(entry)}) | ${cell(entry.about)} |`),
  ].join('\n');

const nameOf = ({ words }: CommandEntry): string => ['metricops', ...words].join(' ');
const anchorOf = (entry: CommandEntry): string => nameOf(entry).replaceAll(' ', '-');

const section = (entry: CommandEntry): string => {
  const { prose, examples } = partsOf(entry.help);
  const name = entry.words.join(' ');
  const own = entry.options.filter(({ flags }) => !flags.includes('--help'));
  const differs = JSON.stringify(exitCodesOf(name)) !== JSON.stringify(exitCodesOf(''));
  return [
    `## ${nameOf(entry)}\n\n${sentence(entry.about)}`,
    `    ${entry.usage}`,
    ...prose,
    ...(own.length === 0 ? [] : [optionsTable(own).join('\n')]),
    ...(differs ? [exitCodesTable(name).join('\n')] : []),
    ...(examples === '' ? [] : [`\`\`\`sh\n${examples}\n\`\`\``]),
  ].join('\n\n');
};

const sentence = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`;

/** The help of a command: paragraphs, each on one line, and its examples. The exit codes stand in a table instead. */
const partsOf = (help: string): { prose: string[]; examples: string } => {
  const [text = ''] = help.split(/^Exit codes:$/m);
  const [prose = '', examples = ''] = text.split(/^Examples:$/m);
  return {
    prose: prose
      .trim()
      .split(/\n{2,}/)
      .filter((part) => part !== '')
      .map(paragraph),
    examples: unindented(examples),
  };
};

const paragraph = (text: string): string =>
  /^ {2}/m.test(text) ? `\`\`\`text\n${unindented(text)}\n\`\`\`` : text.replaceAll('\n', ' ');

const unindented = (text: string): string => text.replace(/^\n+|\s+$/g, '').replaceAll(/^ {2}/gm, '');

const optionsTable = (options: readonly OptionEntry[]): string[] => [
  '| option | meaning |',
  '|---|---|',
  ...options.map(({ term, about }) => `| \`${term}\` | ${cell(about)} |`),
];

const exitCodesTable = (command: string): string[] => [
  '| exit code | meaning |',
  '|---|---|',
  ...exitCodesOf(command).map(({ code, means }) => `| ${code} | ${cell(means)} |`),
];
