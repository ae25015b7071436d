import type { LookupFunction } from 'node:net';
import type { ReasonError } from '../api/reason-error.ts';

/** What a GitSync decrypts with. */
export interface Decryption {
  /** Where the keys come from, as messages name it. */
  from: string;
  keys: Keys;
  /** None where spec.decryption names no Vault. */
  vault?: VaultAccess | undefined;
  /** Of clouds; none where the GitSync has no ServiceAccount to ask them as. */
  services?: KeyServices | undefined;
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

/** Key services of clouds, by what a file of sops calls them. */
export type CloudKind = 'aws' | 'gcp' | 'azure';

/** Asks them for data keys. */
export interface KeyServices {
  /** The data key in base64, or why there is none. Rejects with KubeError. */
  unwrap(wrapped: Wrapped, signal: AbortSignal): Promise<string | ReasonError>;
}

/** A data key, as a master key wrapped it. */
export interface Wrapped {
  kind: 'age' | 'pgp' | 'vault' | CloudKind | 'other';
  /** Of the master key: a public key, a fingerprint, an address. */
  name: string;
  ciphertext: string;
  vault?: { address: string; engine: string; key: string };
  /** With what it was bound to, which is public. */
  aws?: { arn: string; context?: Readonly<Record<string, string>> };
  azure?: { vault: string; key: string; version: string };
}

export interface SopsPorts {
  /** Path of the program. */
  sops: string;
  timeoutMs: number;
}
