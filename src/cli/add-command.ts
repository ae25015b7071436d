import { type Command, Option } from 'commander';
import { type Cli, durationOption, type Local, openCli, openLocal } from './context.ts';
import { exitCodesText } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** How the process will exit; commands set it. */
export interface Exit {
  code: number;
  /** Where an error is thrown. */
  failure: number;
}

interface Definition {
  /** Its name and arguments, as commander writes them: `history <workload>`. */
  usage: string;
  about: string;
  /** Prose and examples, below the options. */
  help: string;
}

/** Adds commands to a program, or below one of its commands. */
export interface Commands {
  parent: Command;
  /**
   * A command that talks to the cluster. The last two arguments of `act`, options and Command, are commander's; it may
   * resolve with an exit code.
   */
  online<A extends unknown[]>(of: Definition, act: (cli: Cli, ...args: A) => Promise<unknown>): Command;
  /** A command that needs no cluster. */
  offline<A extends unknown[]>(of: Definition, act: (local: Local, ...args: A) => Promise<unknown>): Command;
  /** The same below another command. */
  below(parent: Command): Commands;
  io: CliIo;
  exit: Exit;
}

export const commandsOf = (parent: Command, io: CliIo, exit: Exit): Commands => {
  const add = <Opened, A extends unknown[]>(
    { usage, about, help }: Definition,
    open: (io: CliIo, self: Command) => Promise<Opened>,
    act: (opened: Opened, ...args: A) => Promise<unknown>,
  ): Command => {
    const command = parent.command(usage).description(about);
    return command
      .addHelpText('after', `${help}\n\n${exitCodesText(wordsOf(command).join(' '))}`)
      .action(async (...args: unknown[]) => {
        const self = args.at(-1) as Command;
        const code = await act(await open(io, self), ...(args.slice(0, -1) as A));
        if (typeof code === 'number') exit.code = code;
      });
  };
  return {
    parent,
    online: (of, act) => add(of, openCli, act),
    offline: (of, act) => add(of, openLocal, act),
    below: (other) => commandsOf(other, io, exit),
    io,
    exit,
  };
};

/** Its words after the name of the program: `['slo', 'rules']`; none for the program. */
export const wordsOf = (command: Command): string[] =>
  command.parent ? [...wordsOf(command.parent), command.name()] : [];

export const waiting = (command: Command, timeout: string): Command =>
  command.option('--no-wait', "don't wait until it is done").addOption(timeoutOption('how long to wait', timeout));

export const timeoutOption = (text: string, byDefault: string): Option =>
  new Option('--timeout <duration>', text).argParser(durationOption).default(durationOption(byDefault), byDefault);
