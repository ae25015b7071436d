import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** What a release can't do without, said to whoever makes it. */
export class ReleaseError extends Error {
  override name = 'ReleaseError';
  readonly next: string;
  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.next = next;
  }
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What to do where it fails. */
  next: string;
}

/** What a program writes. Rejects with the end of what it says, and what to do. */
export const run = async (
  program: string,
  args: readonly string[],
  { cwd, env, next }: RunOptions,
): Promise<string> => {
  // The distribution's Go is often not on root's PATH.
  const path = [process.env.PATH, '/usr/local/go/bin', '/usr/sbin'].join(delimiter);
  const options = { maxBuffer: 256 << 20, env: { ...process.env, PATH: path, ...env }, ...(cwd ? { cwd } : {}) };
  try {
    return (await exec(program, [...args], options)).stdout;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    const said = stderr.trim().split('\n').slice(-8).join('\n') || message;
    throw new ReleaseError(`${[program, ...args].join(' ')} failed:\n${said}`, next, { cause: error });
  }
};
