import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What goes wrong on demand. */
export type GitFault = 'none' | 'unavailable' | 'hang';

export interface GitServer {
  url: string;
  /** Makes an empty repository. */
  repository(name: string): GitRepository;
  setFault(fault: GitFault): void;
  /** Sends every request to the same path below this URL; undefined ends that. */
  redirect(to: string | undefined): void;
  /** The requests so far, as `GET /shop.git/info/refs`. */
  requests: string[];
  close(): Promise<void>;
}

export interface TreeEntry {
  mode: '100644' | '120000' | '40000' | '160000';
  name: string;
  oid: string;
}

export interface GitRepository {
  name: string;
  url: string;
  /** Writes (null: removes) files on a branch, commits, pushes; gives the commit. */
  commit(files: Record<string, string | null>, message?: string, branch?: string): string;
  tag(name: string): void;
  /** Writes a tree object with entries that no checkout would make; gives its oid. */
  tree(entries: readonly TreeEntry[]): string;
  /** Commits a tree object on main, pushes; gives the commit. */
  commitTree(tree: string): string;
  /** The work tree, for what the calls above do not cover. */
  dir: string;
  git(...args: string[]): string;
}

export interface GitServerOptions {
  /** 127.0.0.1 by default. */
  host?: string;
  /** Any free one by default. */
  port?: number;
  /** Every request must show them. */
  credentials?: { username: string; password: string } | { token: string };
  /** Whether a request may be answered, by its header Authorization. */
  accepts?: (authorization: string) => boolean;
  /** PEM; without them it is plain HTTP. */
  tls?: { key: string; cert: string; ca?: string; requestCert?: boolean; rejectUnauthorized?: boolean };
}

/** A real Git over HTTP: `git http-backend` behind Node's own server. */
export const startGitServer = async (options: GitServerOptions = {}): Promise<GitServer> => {
  const root = mkdtempSync(join(tmpdir(), 'metricops-git-'));
  let fault: GitFault = 'none';
  let redirectTo: string | undefined;
  const requests: string[] = [];
  const wanted = options.credentials && authorizationOf(options.credentials);
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${request.method} ${(request.url ?? '').replace(/\?.*/, '')}`);
    if (redirectTo !== undefined) return void response.writeHead(302, { location: redirectTo + request.url }).end();
    if (fault === 'hang') return;
    if (fault === 'unavailable') return void response.writeHead(503).end();
    const { authorization = '' } = request.headers;
    if ((wanted !== undefined && authorization !== wanted) || options.accepts?.(authorization) === false) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    }
    backend(join(root, 'bare'), request, response);
  };
  const server = options.tls ? createTlsServer(options.tls, serve) : createServer(serve);
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, host, resolve));
  const url = `${options.tls ? 'https' : 'http'}://${host}:${(server.address() as { port: number }).port}`;
  return {
    url,
    repository: (name) => createRepository(root, name, url),
    setFault: (next) => {
      fault = next;
    },
    redirect: (to) => {
      redirectTo = to;
    },
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
};

const authorizationOf = (credentials: NonNullable<GitServerOptions['credentials']>): string =>
  'token' in credentials
    ? `Bearer ${credentials.token}`
    : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;

/** CGI by hand: a few headers in, a few headers out. */
const backend = (root: string, request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      HOME: root,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: [request.headers['git-protocol']].flat()[0] ?? '',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => {}); // the backend may answer before it has read everything
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    child.stdout.off('data', onHead);
    const headers = head
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(/:\s*/, 2) as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response); // as fast as it is read, and no faster
  };
  child.stdout.on('data', onHead).once('end', () => response.end());
  response.once('close', () => child.kill());
};

const createRepository = (root: string, name: string, url: string): GitRepository => {
  const bare = join(root, 'bare', `${name}.git`);
  const dir = join(root, 'work', name);
  mkdirSync(bare, { recursive: true });
  mkdirSync(dir, { recursive: true });
  const identity = { NAME: 'Demo', EMAIL: 'demo@example.com' };
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: identity.NAME,
    GIT_AUTHOR_EMAIL: identity.EMAIL,
    GIT_COMMITTER_NAME: identity.NAME,
    GIT_COMMITTER_EMAIL: identity.EMAIL,
  };
  const gitIn = (cwd: string, ...args: string[]): string =>
    execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  gitIn(bare, 'init', '--quiet', '--bare', '--initial-branch=main');
  gitIn(dir, 'init', '--quiet', '--initial-branch=main');
  gitIn(dir, 'remote', 'add', 'origin', bare);
  return {
    name,
    url: `${url}/${name}.git`,
    dir,
    git: (...args) => gitIn(dir, ...args),
    commit(files, message = 'change', branch = 'main') {
      const current = gitIn(dir, 'symbolic-ref', '--short', 'HEAD');
      if (branch !== current) gitIn(dir, 'checkout', '--quiet', '-B', branch);
      for (const [path, content] of Object.entries(files)) {
        const target = join(dir, path);
        mkdirSync(dirname(target), { recursive: true });
        if (content === null) rmSync(target, { recursive: true, force: true });
        else writeFileSync(target, content);
      }
      gitIn(dir, 'add', '--all');
      gitIn(dir, 'commit', '--quiet', '--allow-empty', '-m', message);
      gitIn(dir, 'push', '--quiet', '--force', 'origin', branch);
      return gitIn(dir, 'rev-parse', 'HEAD');
    },
    tag(tag) {
      gitIn(dir, 'tag', '--force', tag);
      gitIn(dir, 'push', '--quiet', '--force', 'origin', `refs/tags/${tag}`);
    },
    tree(entries) {
      const content = entries.flatMap((e) => [Buffer.from(`${e.mode} ${e.name}\0`), Buffer.from(e.oid, 'hex')]);
      const args = ['hash-object', '-t', 'tree', '-w', '--stdin', '--literally'];
      return execFileSync('git', args, { cwd: dir, env, input: Buffer.concat(content), encoding: 'utf8' }).trim();
    },
    commitTree(tree) {
      const commit = gitIn(dir, 'commit-tree', tree, '-m', 'change');
      gitIn(dir, 'push', '--quiet', '--force', 'origin', `${commit}:refs/heads/main`);
      return commit;
    },
  };
};
