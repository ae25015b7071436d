import type { ReasonError } from '../api/reason-error.ts';
import { isOfCloud } from './key-services.ts';
import type { Decryption, VaultAccess, Wrapped } from './types.ts';
import { openVault } from './vault.ts';

export interface Unwrapped {
  /** Data keys in base64, by what was wrapped. */
  keys: Readonly<Record<string, string>>;
  /** Why a service did not unwrap one. */
  failure?: ReasonError;
}

/** For all that clouds are asked for one render, which holds a place of few meanwhile. */
const CLOUDS_MS = 20_000;
/** Questions to clouds at a time: each file that sops encrypted has a data key of its own. */
const CLOUDS_AT_ONCE = 8;

/**
 * Asks the services that the GitSync names for data keys that they wrapped: each once, however many files have the same.
 */
export const unwrap = async (wrapped: readonly Wrapped[], decryption: Decryption): Promise<Unwrapped> => {
  const { vault, services } = decryption;
  const distinct = [...new Map(wrapped.map((key) => [key.ciphertext, key])).values()];
  const found: [ciphertext: string, said: string | ReasonError][] = [];
  const ofVault = vault ? distinct.filter((key) => isOf(key, vault)) : [];
  if (vault && ofVault.length > 0) {
    const open = openVault(vault);
    try {
      for (const key of ofVault) found.push([key.ciphertext, await open.unwrap(key)]);
    } finally {
      await open.close();
    }
  }
  const ofClouds = services ? distinct.filter(({ kind }) => isOfCloud(kind)) : [];
  if (services && ofClouds.length > 0) {
    const signal = AbortSignal.timeout(CLOUDS_MS);
    const answers: typeof found = [];
    const waiting = ofClouds.entries();
    const asker = async (): Promise<void> => {
      for (const [i, key] of waiting) answers[i] = [key.ciphertext, await services.unwrap(key, signal)];
    };
    await Promise.all(Array.from({ length: CLOUDS_AT_ONCE }, asker));
    found.push(...answers);
  }
  const keys = found.flatMap(([ciphertext, said]) => (typeof said === 'string' ? [[ciphertext, said] as const] : []));
  const failures = found.flatMap(([, said]) => (typeof said === 'string' ? [] : [said]));
  // A service that refuses says more than one that was not set up.
  const failure = failures.find(({ code }) => code !== 'CloudIdentityMissing') ?? failures[0];
  return { keys: Object.fromEntries(keys), ...(failure && { failure }) };
};

/**
 * A file that names another Vault is not opened: whoever writes to the repository could have the token sent to a host of
 * their own.
 */
export const isOf = ({ vault: named }: Wrapped, vault: VaultAccess | undefined): boolean =>
  vault !== undefined && URL.parse(named?.address ?? '')?.origin === new URL(vault.address).origin;
