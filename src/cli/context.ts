import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../api/common.ts';
import type { KubeObject } from '../api/meta.ts';
import { writeJson } from '../json.ts';
import type { CliIo, Connected } from './io.ts';
import { readable } from './readable.ts';
import { writeYaml } from './yaml.ts';

/** How a run of a command prints. */
export interface Printer {
  io: CliIo;
  output: 'text' | 'json' | 'yaml';
  /** Objects for scripts, or the text for people. A list becomes a List, as kubectl prints it. */
  print(result: KubeObject | KubeObject[] | Record<string, unknown>, text: () => string): void;
}

/** One run of a command: the connection, where it looks, and how it prints. */
export interface Cli extends Connected, Printer {
  /** undefined with -A. */
  scope: { namespace?: string };
}

/** One run of a command that has no connection yet, and may need none. */
export interface Local extends Printer {
  /** Of -n; undefined without it. */
  namespace: string | undefined;
  /** Rejects where there is no kubeconfig. */
  connect(): Promise<Cli>;
}

interface GlobalOptions {
  namespace?: string;
  allNamespaces?: boolean;
  output?: 'json' | 'yaml';
  context?: string;
  kubeconfig?: string;
}

export const openCli = async (io: CliIo, command: Command): Promise<Cli> => {
  const options = command.optsWithGlobals<GlobalOptions>();
  const connected = await io.connect({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  const namespace = options.namespace ?? connected.namespace;
  return { ...connected, ...printer(io, options), namespace, scope: options.allNamespaces ? {} : { namespace } };
};

export const openLocal = async (io: CliIo, command: Command): Promise<Local> => {
  const options = command.optsWithGlobals<GlobalOptions>();
  return { ...printer(io, options), namespace: options.namespace, connect: () => openCli(io, command) };
};

const printer = (io: CliIo, options: GlobalOptions): Printer => {
  const output = options.output ?? 'text';
  const people = readable(io);
  return {
    io: people,
    output,
    print(result, text) {
      if (output === 'text') return people.out(text());
      const value = Array.isArray(result) ? { apiVersion: 'v1', kind: 'List', items: result.map(lean) } : lean(result);
      io.out(output === 'json' ? writeJson(value, 2) : writeYaml(value).trimEnd());
    },
  };
};

/** managedFields are noise to people and scripts alike, as kubectl has it. */
const lean = <T extends object>(value: T): T => {
  if (!('metadata' in value)) return value;
  const { managedFields: _, ...metadata } = value.metadata as Record<string, unknown>;
  return { ...value, metadata };
};

/** Argument parser for `--timeout 90s`. */
export const durationOption = (text: string): number => {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
};

export const numberOption = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number from 1 up');
  return value;
};
