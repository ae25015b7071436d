import { EXIT } from './io.ts';

export interface ExitCode {
  code: number;
  /** A sentence. */
  means: string;
}

const USUAL: Readonly<Record<number, string>> = {
  [EXIT.ok]: 'It is done.',
  [EXIT.failure]: 'It failed.',
  [EXIT.usage]: 'The command line is wrong.',
};

/** By the words of the command: what its exit codes say where that is not the usual. */
const OWN: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  status: { [EXIT.attention]: 'With --exit-code: something needs a person.' },
  incidents: { [EXIT.attention]: 'With --exit-code: an incident needs a person.' },
  diff: {
    [EXIT.ok]: 'There is no difference.',
    [EXIT.different]: 'There is a difference.',
    [EXIT.trouble]: 'It could not be found out, or the command line is wrong.',
  },
  sync: {
    [EXIT.attention]: 'The sync succeeded, and a Hold keeps a release out. What was pushed does not run.',
  },
  check: { [EXIT.failure]: 'Something is missing without which it does not work.' },
  'test-alert': {
    [EXIT.failure]: 'The alert did not arrive, reached another workload, or a burn would not lead to a rollback.',
  },
  'slo rules': { [EXIT.failure]: 'It failed, or there is no policy to make rules for.' },
};

/** The exit codes of a command in ascending order. `command` is its words, e.g. `slo rules`; '' says the usual ones. */
export const exitCodesOf = (command: string): ExitCode[] =>
  Object.entries({ ...USUAL, ...OWN[command] }).map(([code, means]) => ({ code: Number(code), means }));

/** As `--help` prints them. */
export const exitCodesText = (command: string): string =>
  ['Exit codes:', ...exitCodesOf(command).map(({ code, means }) => `  ${code}  ${means}`)].join('\n');
