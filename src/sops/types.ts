import type { LookupFunction } from 'node:net';

/** What a GitSync decrypts with. */
export interface Decryption {
  /** Where the keys come from, as messages name it. */
  from: string;
  keys: Keys;
  /** None where spec.decryption names no Vault. */
  vault?: VaultAccess | undefined;
}

/** Private keys, each as it stands in the Secret, with its key there for messages. */
export interface Keys {
  age: readonly PrivateKey[];
  pgp: readonly PrivateKey[];
}

export interface PrivateKey {
  entry: string;
  text: string;
}

/** The one Vault that is asked, whatever a file says. */
export interface VaultAccess {
  address: string;
  /** PEM of a private CA. */
  ca?: string | undefined;
  /** How its address is found; in any way by default. */
  lookup?: LookupFunction | undefined;
  /** A token of Vault. Rejects with ReasonError. */
  token(): Promise<string>;
}

/** As it was read. */
export interface ReadDecryption extends Decryption {
  /** Of the keys, by HMAC: two with the same one open the same. */
  digest: string;
}

export type Format = 'yaml' | 'json' | 'dotenv' | 'ini' | 'binary';

/** A file that sops may have encrypted. */
export interface SopsFile {
  /** As messages name it. */
  name: string;
  format: Format;
  /** Of what comes out. */
  output: Format;
  text: string;
  /** Nothing was added, left out or moved since it was encrypted: then its MAC must be right. */
  isWhole: boolean;
}

/** A data key, as a master key wrapped it. */
export interface Wrapped {
  kind: 'age' | 'pgp' | 'vault' | 'aws' | 'gcp' | 'azure' | 'other';
  /** Of the master key: a public key, a fingerprint, an address. */
  name: string;
  ciphertext: string;
  vault?: { address: string; engine: string; key: string };
}

export interface SopsPorts {
  /** Path of the program. */
  sops: string;
  timeoutMs: number;
}
