import { ReasonError } from '../api/reason-error.ts';
import { describeWrapped, isOfCloud } from './key-services.ts';
import { askProgram, type Result } from './program.ts';
import type { Decryption, SopsFile, SopsPorts, Wrapped } from './types.ts';
import { isOf, unwrap } from './unwrap.ts';

/** Of all files of one render: they are in memory several times. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * What sops encrypted, in the clear, in the order of the files; undefined for one that it did not encrypt. Rejects with
 * ReasonError, whose message has neither a key nor a value.
 */
export const decryptFiles = async (
  files: readonly SopsFile[],
  decryption: Decryption,
  ports: SopsPorts,
): Promise<(Buffer | undefined)[]> => {
  const { results, failure } = await open(files, decryption, ports);
  if (failure && results.some(({ problem }) => problem === 'key')) throw failure;
  return files.map((file, i) => clearOf(file, results[i] ?? { problem: 'malformed' }, decryption));
};

/** Only whether nobody changed those that a key opens. Likewise. */
export const verifyFiles = async (
  files: readonly SopsFile[],
  decryption: Decryption,
  ports: SopsPorts,
): Promise<void> => {
  const { results } = await open(files, decryption, ports);
  for (const [i, { name }] of files.entries()) refuseChanged(name, results[i]?.problem);
};

/** What the program says of each, once services have unwrapped what they can. */
const open = async (
  files: readonly SopsFile[],
  decryption: Decryption,
  ports: SopsPorts,
): Promise<{ results: Result[]; failure: ReasonError | undefined }> => {
  if (files.length === 0) return { results: [], failure: undefined };
  refuseTooMuch(files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0));
  const { keys, from } = decryption;
  const results = await askProgram({ files, keys, unwrapped: {} }, from, ports);
  const shut = results.flatMap(({ problem }, i) => (problem === 'key' ? [i] : []));
  const { keys: unwrapped, failure } = await unwrap(
    shut.flatMap((i) => results[i]?.wrapped ?? []),
    decryption,
  );
  if (Object.keys(unwrapped).length > 0) {
    const left = shut.flatMap((i) => files[i] ?? []);
    const again = await askProgram({ files: left, keys, unwrapped }, from, ports);
    for (const [n, result] of again.entries()) results[shut[n] ?? -1] = result;
  }
  return { results, failure };
};

/** Throws ReasonError ManifestTooLarge. */
export const refuseTooMuch = (bytes: number): void => {
  if (bytes <= MAX_BYTES) return;
  const most = `${MAX_BYTES} are taken from one GitSync: split it into several`;
  throw new ReasonError('ManifestTooLarge', `the files that sops encrypted have ${bytes} bytes; ${most}`);
};

const clearOf = ({ name }: SopsFile, { data = '', problem, wrapped }: Result, decryption: Decryption) => {
  refuseChanged(name, problem);
  if (problem === 'key')
    throw new ReasonError('DecryptionFailed', `${name} is ${shutWords(wrapped ?? [], decryption)}`);
  if (problem === 'malformed') throw new ReasonError('DecryptionFailed', `${name} can't be read as a file of sops`);
  return problem === 'plain' ? undefined : Buffer.from(data, 'base64');
};

const refuseChanged = (name: string, problem: Result['problem']): void => {
  if (problem !== 'changed' && problem !== 'clear') return;
  const how = problem === 'clear' ? 'a value of it is not encrypted' : 'its MAC or a value does not match';
  throw new ReasonError('DecryptionTampered', `${name} was changed after sops encrypted it: ${how}`);
};

const NAMED = 5;

const shutWords = (wrapped: readonly Wrapped[], { from, vault, services }: Decryption): string => {
  const names = wrapped.map(describeWrapped);
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  const other = wrapped.some((key) => key.kind === 'vault' && !isOf(key, vault));
  const isUnasked = !services && wrapped.some(({ kind }) => isOfCloud(kind));
  const hints = [
    ...(other ? ['for a key of Vault, spec.decryption.vault.address names that Vault'] : []),
    ...(isUnasked ? ['the key service of a cloud is asked as spec.serviceAccountName, which is not set'] : []),
  ];
  return `encrypted for ${names.slice(0, NAMED).join(', ')}${more}, which ${from} does not open${hints.map((hint) => `; ${hint}`).join('')}`;
};
