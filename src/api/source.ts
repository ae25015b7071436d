import { z } from 'zod';
import { localName } from './common.ts';
import { parseRepositoryUrl } from './repository-url.ts';
import { oneOf } from './union.ts';

const gitRef = oneOf({
  branch: z.string().min(1).max(244).optional().describe('Branch to follow.'),
  tag: z.string().min(1).max(244).optional().describe('Tag to apply.'),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .max(40)
    .meta({ patternMessage: 'commit is the full SHA-1: 40 hexadecimal digits' })
    .optional()
    .describe('Full commit SHA to apply; must be reachable from a branch or tag.'),
});
export type GitRef = z.infer<typeof gitRef>;

export const gitSource = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^\s@]+$/)
    .max(2048)
    .refine((text) => parseRepositoryUrl(text).ok, 'is no URL; write e.g. https://github.com/org/repo.git')
    .describe('Repository over HTTP or HTTPS, without credentials in it.')
    .meta({
      patternMessage:
        'url is http:// or https:// without user or password in it; credentials go into a Secret named by secretRef',
      'x-kubernetes-validations': [
        {
          rule: "isURL(self) && url(self).getHost() != ''",
          message: 'url is no URL: write e.g. https://github.com/org/repo.git, with / after the host',
        },
      ],
    }),
  ref: gitRef.default({ branch: 'main' }).describe('What to follow; branch main by default.'),
  secretRef: z
    .strictObject({ name: localName.describe('Its name.') })
    .optional()
    .describe(
      'Secret in this namespace: username and password (basic), or bearerToken or token (bearer); ca.crt or caFile for a private CA.',
    ),
});
export type GitSourceSpec = z.infer<typeof gitSource>;

/** Where manifests come from. Git is the only member yet. */
export const sourceSpec = oneOf({ git: gitSource.optional().describe('A Git repository.') });
export type SourceSpec = z.infer<typeof sourceSpec>;

/** The address that a source names, for messages, push hooks and the hosts that a policy allows; '' where there is none. */
export const addressOf = (source: SourceSpec | undefined): string => source?.git?.url ?? '';
