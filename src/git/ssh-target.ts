import { ReasonError } from '../api/reason-error.ts';
import { parseRepositoryUrl, SCP_LIKE } from '../api/repository-url.ts';

export interface SshTarget {
  user: string;
  host: string;
  port: number;
  /** As git-upload-pack gets it: from the home folder of the user, where it has no leading /. */
  path: string;
}

const USER = /^\w[\w.-]*$/;
/** A name or an address, and nothing that the ssh program could take for an option. */
const HOST = /^[a-zA-Z0-9:][\w.:-]*$/;

/**
 * Where `ssh://user@host:port/path` and `user@host:path` lead; undefined for another protocol. Throws ReasonError
 * InvalidUrl for what no argument of a program may hold.
 */
export const sshTargetOf = (text: string): SshTarget | undefined => {
  const [, user, host, path] = SCP_LIKE.exec(text) ?? [];
  if (user !== undefined && host !== undefined && path !== undefined) return safe({ user, host, port: 22, path }, text);
  const parsed = parseRepositoryUrl(text);
  if (!parsed.ok || parsed.url.protocol !== 'ssh:') return undefined;
  const { username, hostname, port, pathname } = parsed.url;
  const target = {
    user: username || 'git',
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 22 : Number(port),
    path: decoded(pathname, text).replace(/^\/~/, '~'),
  };
  return safe(target, text);
};

const safe = (target: SshTarget, text: string): SshTarget => {
  const { user, host, path } = target;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const isSafe = USER.test(user) && HOST.test(host) && path !== '' && !/^-|[\x00-\x1f\x7f]/.test(path);
  if (isSafe) return target;
  throw new ReasonError(
    'InvalidUrl',
    `${text} can't be reached over SSH: user, host or path begin with - or are no names`,
  );
};

const decoded = (pathname: string, text: string): string => {
  try {
    return decodeURIComponent(pathname);
  } catch (error) {
    throw new ReasonError('InvalidUrl', `${text} has a % that encodes nothing`, error);
  }
};

/** For the shell at the other end, as Git quotes it. */
export const quoted = (path: string): string => `'${path.replaceAll(/['!]/g, (sign) => `'\\${sign}'`)}'`;
