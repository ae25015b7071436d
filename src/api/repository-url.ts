/** What spec.source.git.url says, parsed; or why it is no address of a repository. */
export type RepositoryUrl = { ok: true; url: URL } | { ok: false; reason: 'InvalidUrl'; message: string };

/** Names no part of the text: an address that is mistyped may hold a password. */
const MESSAGE =
  'spec.source.git.url is no URL: write e.g. https://github.com/org/repo.git, with / after the host and a port of at most 65535';

/** `user@host:path`, as scp and Git write it. */
export const SCP_LIKE = /^(\w[\w.-]*)@([a-zA-Z0-9][\w.-]*):(\S+)$/;

/**
 * The one reader of spec.source.git.url, which never throws: what the CRD's rule lets through, `URL` may still refuse
 * (`https://github.com:org/repo.git`), and objects may be older than the rule.
 */
export const parseRepositoryUrl = (text: unknown): RepositoryUrl => {
  const url = typeof text === 'string' ? URL.parse(asUrl(text)) : null;
  return url && url.host !== '' ? { ok: true, url } : { ok: false, reason: 'InvalidUrl', message: MESSAGE };
};

const asUrl = (text: string): string => {
  const [, user, host, path] = SCP_LIKE.exec(text) ?? [];
  return user === undefined ? text : `ssh://${user}@${host}/${path?.replace(/^\/+/, '')}`;
};

/** With its port, where that is not the usual one; of what is no address, all of it. */
export const hostOfRepository = (text: string): string => {
  const parsed = parseRepositoryUrl(text);
  return parsed.ok ? parsed.url.host : text;
};
