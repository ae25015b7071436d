import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { before } from 'mocha';
import { generateKey, readKey } from 'openpgp';
import { ensurePrograms } from '../../tools/cluster/build.ts';

export interface AgeKey {
  recipient: string;
  /** A file of identities. */
  identity: string;
}

export interface PgpKey {
  fingerprint: string;
  publicKey: string;
  privateKey: string;
}

/** For whom a file is encrypted, and what of it. */
export interface Recipients {
  age?: AgeKey;
  pgp?: PgpKey;
  /** A key of the transit engine of Vault, by its URL, and a token for it. */
  vault?: { key: string; token: string };
  /** A key of AWS KMS, asked at this address as somebody with these keys; bound to a context. */
  kms?: { arn: string; endpoint: string; accessKeyId: string; secretAccessKey: string; context?: string };
  /** Fields, by a regular expression; all by default. */
  only?: string;
}

/** As people encrypt Secrets: what says which object it is stays readable. */
export const CONTENT = '^(data|stringData)$';

export interface Sops {
  /** Path of the program that the controller runs. */
  program(): string;
  /** What the command line of sops makes of a file, by whose name it knows the format. */
  encrypt(name: string, text: string, recipients: Recipients): Promise<string>;
}

/** The programs of sops, for the tests of one describe. Call it at the top of the describe. */
export const useSops = (): Sops => {
  let programs: Record<'sops' | 'sops-decrypt', string> | undefined;
  before(async function () {
    this.timeout(900_000);
    const log = (line: string): void => void process.stderr.write(`    ${line}\n`);
    programs = await ensurePrograms(['sops', 'sops-decrypt'], { log });
  });
  const built = (): NonNullable<typeof programs> => {
    assert.ok(programs, 'sops is there only inside of tests');
    return programs;
  };
  return {
    program: () => built()['sops-decrypt'],
    encrypt: (name, text, recipients) => encrypt(built().sops, { name, text }, recipients),
  };
};

const encrypt = async (
  sops: string,
  { name, text }: { name: string; text: string },
  { age, pgp, vault, kms, only }: Recipients,
): Promise<string> => {
  const dir = mkdtempSync(join(tmpdir(), 'metricops-sops-'));
  try {
    const file = join(dir, basename(name));
    writeFileSync(file, text);
    if (pgp) {
      const key = await readKey({ armoredKey: pgp.publicKey });
      writeFileSync(join(dir, 'pubring.gpg'), key.write());
    }
    const args = [
      'encrypt',
      ...(age ? ['--age', age.recipient] : []),
      ...(pgp ? ['--pgp', pgp.fingerprint] : []),
      ...(vault ? ['--hc-vault-transit', vault.key] : []),
      ...(kms ? ['--kms', kms.arn] : []),
      ...(kms?.context === undefined ? [] : ['--encryption-context', kms.context]),
      ...(only === undefined ? [] : ['--encrypted-regex', only]),
      file,
    ];
    const env = {
      HOME: dir,
      GNUPGHOME: dir,
      ...(vault && { VAULT_TOKEN: vault.token }),
      ...(kms && {
        AWS_ENDPOINT_URL_KMS: kms.endpoint,
        AWS_ACCESS_KEY_ID: kms.accessKeyId,
        AWS_SECRET_ACCESS_KEY: kms.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
      }),
    };
    return (await promisify(execFile)(sops, args, { env, cwd: dir, maxBuffer: 16 << 20 })).stdout;
  } finally {
    rmSync(dir, { recursive: true });
  }
};

/** A key as age-keygen makes it. */
export const newAgeKey = (): AgeKey => {
  const { d = '', x = '' } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const secret = bech32('age-secret-key-', Buffer.from(d, 'base64url')).toUpperCase();
  const recipient = bech32('age', Buffer.from(x, 'base64url'));
  return { recipient, identity: `# public key: ${recipient}\n${secret}\n` };
};

/** A key as gpg makes it and exports it, without a passphrase where none is given. */
export const newPgpKey = async (passphrase?: string): Promise<PgpKey> => {
  const { publicKey, privateKey } = await generateKey({
    type: 'ecc',
    curve: 'curve25519Legacy',
    userIDs: [{ name: 'tests', email: 'tests@example.com' }],
    format: 'armored',
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  const fingerprint = (await readKey({ armoredKey: publicKey })).getFingerprint().toUpperCase();
  return { fingerprint, publicKey, privateKey };
};

const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** BIP 173: the form of the keys of age. */
const bech32 = (prefix: string, bytes: Uint8Array): string => {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const words = bits.match(/.{1,5}/g)?.map((word) => Number.parseInt(word.padEnd(5, '0'), 2)) ?? [];
  const codes = [...prefix].map((char) => char.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  const sum = checksum([...expanded, ...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  const check = [0, 1, 2, 3, 4, 5].map((i) => (sum >> (5 * (5 - i))) & 31);
  return `${prefix}1${[...words, ...check].map((word) => CHARSET[word]).join('')}`;
};

const checksum = (values: readonly number[]): number =>
  values.reduce((sum, value) => {
    const top = sum >>> 25;
    const next = ((sum & 0x1ffffff) << 5) ^ value;
    return GENERATOR.reduce((mixed, generator, i) => ((top >> i) & 1 ? mixed ^ generator : mixed), next);
  }, 1);
