import type { ReasonError } from '../api/reason-error.ts';
import type { Decryption, VaultAccess, Wrapped } from './types.ts';
import { openVault } from './vault.ts';

export interface Unwrapped {
  /** Data keys in base64, by what was wrapped. */
  keys: Readonly<Record<string, string>>;
  /** Why a service did not unwrap one. */
  failure?: ReasonError;
}

/**
 * Asks the services that the GitSync names for data keys that they wrapped: each once, however many files have the same.
 * Vault is the only one yet; AWS KMS, Google Cloud KMS and Azure Key Vault would be asked from here.
 */
export const unwrap = async (wrapped: readonly Wrapped[], { vault }: Decryption): Promise<Unwrapped> => {
  const ours = vault ? wrapped.filter((each) => isOf(each, vault)) : [];
  if (ours.length === 0 || !vault) return { keys: {} };
  const service = openVault(vault);
  const keys: Record<string, string> = {};
  let failure: ReasonError | undefined;
  try {
    for (const each of new Map(ours.map((key) => [key.ciphertext, key])).values()) {
      const key = await service.unwrap(each);
      if (typeof key === 'string') keys[each.ciphertext] = key;
      else failure ??= key;
    }
  } finally {
    await service.close();
  }
  return { keys, ...(failure && { failure }) };
};

/**
 * A file that names another Vault is not opened: whoever writes to the repository could have the token sent to a host of
 * their own.
 */
export const isOf = ({ vault: named }: Wrapped, vault: VaultAccess | undefined): boolean =>
  vault !== undefined && URL.parse(named?.address ?? '')?.origin === new URL(vault.address).origin;
