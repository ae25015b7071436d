import { ReasonError } from '../api/reason-error.ts';
import { isOfCloud } from './key-services.ts';
import type { Decryption, KeyServices, VaultAccess, Wrapped } from './types.ts';
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
/** Wrapped keys of one render that services are asked for: each file has one for each of its master keys. */
const MAX_KEYS = 1_000;

/**
 * Asks the services that the GitSync names for data keys that they wrapped: each once, however many files have the same.
 * Rejects with ReasonError where they are too many.
 * @param signal ends the questions to clouds
 */
export const unwrap = async (
  wrapped: readonly Wrapped[],
  decryption: Decryption,
  signal = AbortSignal.timeout(CLOUDS_MS),
): Promise<Unwrapped> => {
  const { vault, services } = decryption;
  const distinct = [...new Map(wrapped.map((key) => [key.ciphertext, key])).values()];
  if (distinct.length > MAX_KEYS) throw tooMany(distinct.length);
  const found: Said[] = [];
  const ofVault = vault ? distinct.filter((key) => isOf(key, vault)) : [];
  if (vault && ofVault.length > 0) {
    const open = openVault(vault);
    try {
      for (const key of ofVault) found.push([key.ciphertext, await open.unwrap(key)]);
    } finally {
      await open.close();
    }
  }
  if (services) {
    const ofClouds = distinct.filter(({ kind }) => isOfCloud(kind));
    found.push(...(await askClouds(ofClouds, services, signal)));
  }
  const keys = found.flatMap(([ciphertext, said]) => (typeof said === 'string' ? [[ciphertext, said] as const] : []));
  const failures = found.flatMap(([, said]) => (typeof said === 'string' ? [] : [said]));
  // A service that refuses says more than one that was not set up.
  const failure = failures.find(({ code }) => code !== 'CloudIdentityMissing') ?? failures[0];
  return { keys: Object.fromEntries(keys), ...(failure && { failure }) };
};

const tooMany = (keys: number): ReasonError => {
  const most = `services are asked for ${MAX_KEYS} of one GitSync: split it into several`;
  return new ReasonError('ManifestTooLarge', `the files that sops encrypted name ${keys} wrapped data keys; ${most}`);
};

type Said = [ciphertext: string, said: string | ReasonError];

/** A cloud that the account has no identity at is asked once. */
const askClouds = async (keys: readonly Wrapped[], services: KeyServices, signal: AbortSignal): Promise<Said[]> => {
  const answers: Said[] = [];
  const missing = new Map<Wrapped['kind'], ReasonError>();
  const waiting = keys.entries();
  const asker = async (): Promise<void> => {
    for (const [i, key] of waiting) {
      const said = missing.get(key.kind) ?? (await services.unwrap(key, signal));
      if (typeof said !== 'string' && said.code === 'CloudIdentityMissing') missing.set(key.kind, said);
      answers[i] = [key.ciphertext, said];
    }
  };
  await Promise.all(Array.from({ length: CLOUDS_AT_ONCE }, asker));
  return answers;
};

/**
 * A file that names another Vault is not opened: whoever writes to the repository could have the token sent to a host of
 * their own.
 */
export const isOf = ({ vault: named }: Wrapped, vault: VaultAccess | undefined): boolean =>
  vault !== undefined && URL.parse(named?.address ?? '')?.origin === new URL(vault.address).origin;
