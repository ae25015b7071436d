import type { KubeClient } from '../kube/index.ts';
import type { Manifests } from './manifests.ts';

/** What the command line takes from its surroundings; main.ts gives the process's own, tests give theirs. */
export interface CliIo {
  /** Results. Ends the line. */
  out(text: string): void;
  /** Progress, warnings and errors. Ends the line. */
  err(text: string): void;
  /** All of standard input. */
  input(): Promise<string>;
  connect(options: { kubeconfig?: string; context?: string }): Promise<Connected>;
  /** Shows the question and resolves with the line that a person answers; absent where there is no terminal. */
  ask?(question: string): Promise<string>;
  now(): number;
  sleep(ms: number): Promise<void>;
  version: string;
  /** As it is called: `metricops`, or `kubectl metricops`. */
  name: string;
  /** What `install` applies, and `uninstall` removes. */
  manifests(): Manifests;
  /** Folder of the source checkout that runs it; absent where it was built. */
  checkout?: string;
}

export interface Connected {
  client: KubeClient;
  /** Of the kubeconfig's context; "default" where it names none. */
  namespace: string;
  server: string;
}

/** A failure that people read: what went wrong and what to do next. */
export class CliError extends Error {
  override name = 'CliError';
  readonly next: string | undefined;
  constructor(message: string, next?: string, options?: ErrorOptions) {
    super(message, options);
    this.next = next;
  }
}

/**
 * Exit codes: part of the interface. `different` and `trouble` are of `diff`, and the same as kubectl's. `attention`: it
 * is done, and yet what was asked for does not run, or waits for a person.
 */
export const EXIT = { ok: 0, failure: 1, usage: 2, different: 1, trouble: 2, attention: 3 } as const;
