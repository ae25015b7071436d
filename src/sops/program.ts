import { tmpdir } from 'node:os';
import { ReasonError } from '../api/reason-error.ts';
import { type Bounds, goLimits, runBounded } from '../bounded.ts';
import type { Keys, SopsFile, SopsPorts, Wrapped } from './types.ts';

/** Of one process, which has a place of a kustomize process, and needs less. */
export const SOPS_BOUNDS: Omit<Bounds, 'wallMs'> = {
  memoryBytes: 160 * 1024 * 1024,
  cpuSeconds: 20,
  outputBytes: 12 * 1024 * 1024,
};

/** What the program says of one file; see tools/cluster/go/sops/decrypt/main.go. */
export interface Result {
  /** In base64. */
  data?: string;
  problem?: 'plain' | 'key' | 'changed' | 'clear' | 'malformed';
  /** Of problem `key`: what did not open it. */
  wrapped?: Wrapped[];
}

interface Answer {
  badKey?: { kind: keyof Keys; index: number; locked: boolean };
  files: Result[] | null;
}

export interface Question {
  files: readonly SopsFile[];
  keys: Keys;
  /** Data keys by what was wrapped, in base64. */
  unwrapped: Readonly<Record<string, string>>;
}

/**
 * One run of the program, keys and files in and clear text out by pipes: it is in no file, no argument and no environment.
 * What it writes to its standard error is shown to nobody, for it may quote a value. Rejects with ReasonError.
 */
export const askProgram = async (
  { files, keys, unwrapped }: Question,
  from: string,
  { sops, timeoutMs }: SopsPorts,
): Promise<Result[]> => {
  const request = {
    age: keys.age.map(({ text }) => text),
    pgp: keys.pgp.map(({ text }) => text),
    unwrapped,
    files: files.map(({ format, output, text, isWhole }) => ({
      format,
      output,
      isWhole,
      data: Buffer.from(text).toString('base64'),
    })),
  };
  const program = {
    file: sops,
    setting: 'METRICOPS_SOPS',
    args: [],
    cwd: tmpdir(),
    env: { PATH: '', ...goLimits(SOPS_BOUNDS) },
    input: JSON.stringify(request),
    failed: () => ({
      code: 'DecryptionFailed' as const,
      why: 'failed; what it says is not shown, for it may quote a value',
    }),
  };
  const ended = await runBounded(program, { ...SOPS_BOUNDS, wallMs: timeoutMs });
  if (!ended.ok) throw new ReasonError(ended.code, `the program of sops ${ended.why}`);
  const { badKey, files: results } = JSON.parse(ended.stdout) as Answer;
  if (badKey) throw refusedKey(keys[badKey.kind][badKey.index]?.entry ?? '', badKey.locked, from);
  return results ?? [];
};

const refusedKey = (entry: string, locked: boolean, from: string): ReasonError => {
  const what = locked ? 'is protected by a passphrase: export it without one' : 'is no private key that can be read';
  return new ReasonError('DecryptionKeysNotFound', `${entry} of ${from} ${what}`);
};
