import { z } from 'zod';
import { localName } from './common.ts';

const vault = z
  .strictObject({
    address: z
      .string()
      .regex(/^https?:\/\/[^\s@/?#]+\/?$/)
      .max(2048)
      .meta({ patternMessage: 'address is http:// or https://, a host and a port: https://vault.example.com:8200' })
      .describe('Its address. A file that names another one is not decrypted.'),
    role: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/)
      .max(253)
      .meta({ patternMessage: 'role is a name of letters, digits, _, - and .' })
      .optional()
      .describe(
        'Role of Vault to log in as, with a token of serviceAccountName. Without it, secretRef has the key sops.vault-token.',
      ),
    loginPath: z
      .string()
      .regex(/^auth(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+\/login$/)
      .max(253)
      .meta({ patternMessage: 'loginPath is auth/MOUNT/login' })
      .default('auth/kubernetes/login')
      .describe('Where to log in: auth/MOUNT/login of an auth method that takes a role and a JWT.'),
    audience: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('Of the token that is sent to log in; the address where it is not set.'),
  })
  .describe('Vault or OpenBao, whose transit engine unwraps data keys.');
export type VaultSpec = z.infer<typeof vault>;

/**
 * The fields of Flux, and which Vault may be asked. The key services of clouds are asked as spec.serviceAccountName, and
 * found by its annotations.
 */
export const decryption = z.strictObject({
  provider: z.enum(['sops']).default('sops').describe('What encrypted the files. SOPS is the only one.'),
  secretRef: z
    .strictObject({ name: localName.describe('Its name.') })
    .optional()
    .describe(
      'Secret in this namespace with private keys, as Flux has it: *.agekey (age identities, one a line), *.asc (armored OpenPGP keys without passphrase), sops.vault-token; ca.crt for a Vault with a private CA. With serviceAccountName it is read as that account. AWS KMS, Google Cloud KMS and Azure Key Vault need no Secret: they are asked with a token of that account, whose annotations say who it is there.',
    ),
  vault: vault.optional(),
});
export type DecryptionSpec = z.infer<typeof decryption>;
