import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A Git server that misbehaves on demand, over smart HTTP of protocols 0 and 2, on loopback. It serves whatever bytes it is
 * given as the pack, made by hand (`packs.ts`) or cut out of a real one, and breaks where it is told to:
 *
 *     const hostile = await startHostileGit();
 *     const { commit, pack } = repositoryOf({ 'a.yaml': Buffer.from('a: 1') });
 *     const url = hostile.serve('cut', { commit, pack: pack.subarray(0, 100) });
 *     await assert.rejects(git.open({ url, ref: { branch: 'main' }, timeoutMs: 5000 }, commit), { code: '…' });
 *
 * A repository can be served again under its name, with another commit or without the fault: that is how healing is shown.
 */
export interface HostileRepository {
  /** That refs/heads/main stands at. */
  commit: string;
  /** Sent as it is; a function is asked for each fetch, with what the client said that it has. */
  pack: Buffer | ((haves: string[]) => Buffer | AsyncIterable<Buffer>);
  /** Where the server stops, and keeps the connection: before its list of refs, before the pack, or within the pack. */
  hangAt?: 'refs' | 'pack' | 'half';
  /** Sends one byte of a pack every so many milliseconds. */
  dripMs?: number;
  /** Closes the connection after so many bytes of the pack. */
  cutAt?: number;
  /** Lists so many branches beside main. */
  branches?: number;
}

export interface HostileGit {
  /** Serves a repository, or serves it differently from now on; gives its URL. */
  serve(name: string, repository: HostileRepository): string;
  /** How often packs were asked for, by repository. */
  fetches(name: string): number;
  /** Requests that are not answered yet. */
  pending(): number;
  close(): Promise<void>;
}

export const startHostileGit = async (): Promise<HostileGit> => {
  const repositories = new Map<string, HostileRepository>();
  const fetches = new Map<string, number>();
  const open = new Set<ServerResponse>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    open.add(response);
    response.once('close', () => open.delete(response));
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname.split('/')[1]?.replace(/\.git$/, '') ?? '';
    const repository = repositories.get(name);
    if (!repository) return void response.writeHead(404).end();
    const body = await bodyOf(request);
    const isNew = request.headers['git-protocol'] === 'version=2';
    if (pathname.endsWith('/info/refs')) return advertise(response, repository, isNew);
    if (body.includes('command=ls-refs'))
      return send(response, RESULT, [line(`${repository.commit} ${MAIN}\n`), FLUSH]);
    fetches.set(name, (fetches.get(name) ?? 0) + 1);
    const haves = [...body.matchAll(/have ([0-9a-f]{40})/g)].map(([, oid = '']) => oid);
    await sendPack(response, repository, haves);
  };
  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    serve(name, repository) {
      repositories.set(name, repository);
      return `${url}/${name}.git`;
    },
    fetches: (name) => fetches.get(name) ?? 0,
    pending: () => open.size,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const MAIN = 'refs/heads/main';
const ADVERTISEMENT = 'application/x-git-upload-pack-advertisement';
const RESULT = 'application/x-git-upload-pack-result';
const FLUSH = Buffer.from('0000');
const BAND = 60_000;

const line = (text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from((text.length + 4).toString(16).padStart(4, '0')), Buffer.from(text)]);

const send = (response: ServerResponse, type: string, lines: readonly Buffer[]): void =>
  void response.writeHead(200, { 'content-type': type }).end(Buffer.concat(lines));

const advertise = (response: ServerResponse, repository: HostileRepository, isNew: boolean): void => {
  if (repository.hangAt === 'refs') return;
  const protocol2 = [line('version 2\n'), line('ls-refs\n'), line('fetch=shallow\n'), FLUSH];
  const capabilities = 'side-band-64k ofs-delta thin-pack shallow no-progress';
  const main = line(`${repository.commit} ${MAIN}\0${capabilities}\n`);
  response.writeHead(200, { 'content-type': ADVERTISEMENT });
  Readable.from(isNew ? protocol2 : listed(main, repository)).pipe(response);
};

function* listed(main: Buffer, { commit, branches = 0 }: HostileRepository): Generator<Buffer> {
  yield Buffer.concat([line('# service=git-upload-pack\n'), FLUSH, main]);
  const step = 1000;
  for (let at = 0; at < branches; at += step) {
    const names = Array.from({ length: Math.min(step, branches - at) }, (_, i) => `refs/heads/branch-${at + i}`);
    yield Buffer.concat(names.map((name) => line(`${commit} ${name}\n`)));
  }
  yield FLUSH;
}

const sendPack = async (
  response: ServerResponse,
  { commit, pack, hangAt, dripMs, cutAt = Number.POSITIVE_INFINITY }: HostileRepository,
  haves: string[],
): Promise<void> => {
  if (hangAt === 'pack') return;
  response.writeHead(200, { 'content-type': RESULT });
  response.write(Buffer.concat([line(`shallow ${commit}\n`), FLUSH, line('NAK\n')]));
  const bytes = typeof pack === 'function' ? pack(haves) : pack;
  const half = Buffer.isBuffer(bytes) && hangAt === 'half' ? bytes.length / 2 : Number.POSITIVE_INFINITY;
  let sent = 0;
  for await (const piece of piecesOf(bytes, dripMs === undefined ? BAND : 1)) {
    const left = piece.subarray(0, cutAt - sent);
    const isFull = !response.write(line(Buffer.concat([Buffer.from([1]), left])));
    sent += left.length;
    if (sent >= cutAt) return void response.destroy();
    if (sent >= half || response.destroyed) return;
    if (dripMs !== undefined) await sleep(dripMs);
    if (isFull) await drained(response);
  }
  response.end(FLUSH);
};

async function* piecesOf(bytes: Buffer | AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  for await (const chunk of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
    for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
  }
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
};
