import { z } from 'zod';
import { localName } from './common.ts';
import { parseRepositoryUrl } from './repository-url.ts';
import { oneOf } from './union.ts';
import { versionRange } from './version-range.ts';

const gitRef = oneOf({
  branch: z.string().min(1).max(244).optional().describe('Branch to follow.'),
  tag: z.string().min(1).max(244).optional().describe('Tag to apply.'),
  semver: z
    .string()
    .min(1)
    .max(128)
    .refine((text) => versionRange(text) !== undefined, 'is no range of versions; write e.g. 1.x or ">=1.2.0 <2.0.0"')
    .optional()
    .describe(
      'Range of versions, whose newest tag is applied: `1.x`, `^1.2`, `>=1.2.0 <2.0.0`. A tag is a version in full, with or without v. Pre-releases count only where the range names one (`>=1.2.0-0`).',
    ),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .max(40)
    .meta({ patternMessage: 'commit is the full SHA-1: 40 hexadecimal digits' })
    .optional()
    .describe('Full commit SHA to apply; must be reachable from a branch or tag.'),
});
export type GitRef = z.infer<typeof gitRef>;

export const verifyMode = z.enum(['HEAD', 'Tag', 'TagAndHEAD']);
export type VerifyMode = z.infer<typeof verifyMode>;

const gitVerify = z.strictObject({
  mode: verifyMode
    .default('HEAD')
    .describe(
      'What must be signed. HEAD: the commit that is applied. Tag: the annotated tag that ref.tag or ref.semver leads to. TagAndHEAD: both.',
    ),
  secretRef: z
    .strictObject({ name: localName.describe('Its name.') })
    .describe(
      'Secret in this namespace with the public keys that may sign. Each key of it is a file of armored OpenPGP keys, or of SSH keys as id_ed25519.pub or allowed_signers has them.',
    ),
});

const tagToVerify = {
  rule: "!has(self.verify) || self.verify.mode == 'HEAD' || has(self.ref.tag) || has(self.ref.semver)",
  message: 'verify.mode Tag and TagAndHEAD need ref.tag or ref.semver',
};

const accountToLogIn = {
  rule: 'has(self.provider) == has(self.serviceAccountName)',
  message: 'set provider and serviceAccountName, or neither',
};

const oneLogin = {
  rule: '!has(self.provider) || !has(self.secretRef)',
  message: 'set provider or secretRef, not both',
};

const loginOverHttp = {
  rule: "!has(self.provider) || self.url.startsWith('http')",
  message: 'provider needs a url with https://',
};

const gitSourceObject = z.strictObject({
  url: z
    .string()
    .regex(
      /^(https?:\/\/[^\s@]+|ssh:\/\/([a-zA-Z0-9_][a-zA-Z0-9_.-]*@)?[a-zA-Z0-9[][^\s@]*|[a-zA-Z0-9_][a-zA-Z0-9_.-]*@[a-zA-Z0-9][a-zA-Z0-9_.-]*:[^\s]+)$/,
    )
    .max(2048)
    .refine((text) => parseRepositoryUrl(text).ok, 'is no URL; write e.g. https://github.com/org/repo.git')
    .describe(
      'Repository over HTTPS, HTTP or SSH (`ssh://git@HOST/PATH` or `git@HOST:PATH`), without a password or token in it.',
    )
    .meta({
      patternMessage:
        'url is https://, http://, ssh:// or git@HOST:PATH, without a password in it; credentials go into a Secret named by secretRef',
      'x-kubernetes-validations': [
        {
          rule: "!self.contains('://') || (isURL(self) && url(self).getHost() != '')",
          message: 'url is no URL: write e.g. https://github.com/org/repo.git, with / after the host',
        },
      ],
    }),
  ref: gitRef.default({ branch: 'main' }).describe('What to follow; branch main by default.'),
  secretRef: z
    .strictObject({ name: localName.describe('Its name.') })
    .optional()
    .describe(
      'Secret in this namespace. HTTPS: username and password (basic), or bearerToken or token (bearer); ca.crt or caFile for a private CA. SSH: identity (a private key without a passphrase) and known_hosts.',
    ),
  provider: z
    .enum(['aws', 'azure'])
    .optional()
    .describe(
      'Logs in with a token of serviceAccountName in the place of a Secret: `aws` at AWS CodeCommit, `azure` at Azure Repos. Annotations of the account say who it is there, see docs/workload-identity.md.',
    ),
  serviceAccountName: localName
    .optional()
    .describe(
      'ServiceAccount in this namespace that provider logs in as. It is not the one that objects are applied as.',
    ),
  verify: gitVerify
    .optional()
    .describe('Applies only what is signed by one of these keys; the last revision that was stays in service.'),
});
export const gitSource = gitSourceObject
  .refine(
    ({ ref, verify }) =>
      verify === undefined || verify.mode === 'HEAD' || ref.tag !== undefined || ref.semver !== undefined,
    tagToVerify.message,
  )
  .refine(
    ({ provider, serviceAccountName }) => (provider === undefined) === (serviceAccountName === undefined),
    accountToLogIn.message,
  )
  .refine(({ provider, secretRef }) => provider === undefined || secretRef === undefined, oneLogin.message)
  .refine(({ provider, url }) => provider === undefined || /^https?:/.test(url), loginOverHttp.message)
  .meta({ 'x-kubernetes-validations': [tagToVerify, accountToLogIn, oneLogin, loginOverHttp] });
export type GitSourceSpec = z.infer<typeof gitSource>;

/** Where manifests come from. Git is the only member yet. */
export const sourceSpec = oneOf({ git: gitSource.optional().describe('A Git repository.') });
export type SourceSpec = z.infer<typeof sourceSpec>;

/** The address that a source names, for messages, push hooks and the hosts that a policy allows; '' where there is none. */
export const addressOf = (source: SourceSpec | undefined): string => source?.git?.url ?? '';
