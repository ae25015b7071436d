import { ReasonError } from '../api/reason-error.ts';
import { tooLarge } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { DELIMITER, FLUSH, notGit, packet, readPackets, serverSays, textOf } from './packets.ts';
import type { Transport } from './transport.ts';

// What is said to a Git server, as over HTTP: https://git-scm.com/docs/http-protocol and protocol-v2.

export interface Remote {
  url: string;
  transport: Transport;
  limits: Pick<GitLimits, 'refsBytes' | 'refs' | 'fetchBytes'>;
}

export interface Ref {
  name: string;
  oid: string;
}

const ADVERTISEMENT = '/info/refs?service=git-upload-pack';
const PEELED = '^{}';
const VERSION_2 = 'version 2';

/** What a ref stands at, and the commit behind it where it is an annotated tag. */
export interface RefAt {
  oid: string;
  peeled?: string;
}

/**
 * What a ref stands at; undefined where there is no such ref.
 * Protocol 2 answers for this ref alone; a server without it lists all, of which nothing else is kept.
 */
export const askRef = async (remote: Remote, name: string): Promise<RefAt | undefined> => {
  const found: Record<string, string> = {};
  for await (const ref of await refsFrom(remote, name)) {
    if (ref.name === name || ref.name === name + PEELED) found[ref.name] = ref.oid;
  }
  const [oid, peeled] = [found[name], found[name + PEELED]];
  return oid === undefined ? undefined : { oid, ...(peeled === undefined ? {} : { peeled }) };
};

const TAGS = 'refs/tags/';

/** What each tag stands at. */
export const listTags = async (remote: Remote): Promise<Map<string, RefAt>> => {
  const tags = new Map<string, RefAt>();
  for await (const { name, oid } of await refsFrom(remote, TAGS)) {
    if (!name.startsWith(TAGS)) continue;
    const tag = name.slice(TAGS.length);
    // What an annotated tag stands at comes after the tag itself.
    const before = tag.endsWith(PEELED) ? tags.get(tag.slice(0, -PEELED.length)) : undefined;
    if (before) before.peeled = oid;
    else tags.set(tag, { oid });
    if (tags.size > remote.limits.refs) throw tooLarge(`${remote.url} has more than ${remote.limits.refs} tags`);
  }
  return tags;
};

/** Refs that begin with the prefix; a server without protocol 2 sends all others, too. */
const refsFrom = async (remote: Remote, prefix: string): Promise<AsyncGenerator<Ref>> => {
  const { opening, rest } = await advertised(remote, { 'git-protocol': 'version=2' });
  const isNew = opening !== undefined && textOf(opening) === VERSION_2;
  return isNew ? ask(remote, rest, prefix) : oldRefs(remote.url, opening, rest);
};

/** The refs that are wanted, and what the server can do; as protocol 0 lists them, which every server speaks. */
export const listRefs = async (
  remote: Remote,
  wanted: (name: string) => boolean,
): Promise<{ refs: Map<string, string>; capabilities: Set<string> }> => {
  const { opening, rest } = await advertised(remote, {});
  const capabilities = new Set((opening?.toString('utf8').split('\0')[1] ?? '').trim().split(' '));
  const refs = new Map<string, string>();
  for await (const { name, oid } of oldRefs(remote.url, opening, rest)) {
    if (!wanted(name)) continue;
    refs.set(name, oid);
    if (refs.size > remote.limits.refs) {
      throw tooLarge(`${remote.url} has more than ${remote.limits.refs} branches and tags; follow a branch or a tag`);
    }
  }
  return { refs, capabilities };
};

export interface PackRequest {
  wants: readonly string[];
  /** Commits that are here. */
  haves: readonly string[];
  /** Commits that are here without those before them. */
  shallow: readonly string[];
  /** Of history; all by default. */
  depth?: number | undefined;
  capabilities: ReadonlySet<string>;
}

export interface PackAnswer {
  /** Commits whose parents are not sent. */
  shallow: string[];
  /** The pack as it comes. */
  pack: AsyncIterable<Buffer>;
}

const USED = ['side-band-64k', 'ofs-delta', 'thin-pack', 'no-progress'];

/** Asks for a pack; it is thin: deltas may name objects that `haves` hold. */
export const requestPack = async (remote: Remote, asked: PackRequest): Promise<PackAnswer> => {
  const { capabilities } = asked;
  if (!capabilities.has('side-band-64k')) {
    throw new ReasonError('RepositoryUnreachable', `${remote.url} does not speak side-band-64k, as Git does since 1.5`);
  }
  const used = [...USED.filter((name) => capabilities.has(name)), 'agent=git/metricops'].join(' ');
  const depth = capabilities.has('shallow') ? asked.depth : undefined;
  const lines = [
    ...asked.wants.map((oid, i) => packet(`want ${oid}${i === 0 ? ` ${used}` : ''}\n`)),
    ...(capabilities.has('shallow') ? asked.shallow.map((oid) => packet(`shallow ${oid}\n`)) : []),
    ...(depth === undefined ? [] : [packet(`deepen ${depth}\n`)]),
    FLUSH,
    ...asked.haves.map((oid) => packet(`have ${oid}\n`)),
    packet('done\n'),
  ];
  const packets = await upload(remote, lines, {}, remote.limits.fetchBytes);
  const shallow: string[] = [];
  for (;;) {
    const { value: line, done } = await packets.next();
    if (done) throw new ReasonError('RepositoryUnreachable', `${remote.url} sent no pack`);
    if (line === null) continue;
    if (isBand(line)) return { shallow, pack: packData(remote.url, line, packets) };
    const [word, oid] = textOf(line).split(' ');
    if (word === 'shallow' && isOid(oid)) shallow.push(oid);
  }
};

/** Bands: 1 is the pack, 2 is progress, 3 an error. */
const isBand = (line: Buffer): boolean => line[0] !== undefined && line[0] >= 1 && line[0] <= 3;

async function* packData(url: string, first: Buffer, packets: AsyncGenerator<Buffer | null>): AsyncGenerator<Buffer> {
  try {
    for (let line: Buffer | null | undefined = first; line !== undefined; line = (await packets.next()).value) {
      if (line?.[0] === 1) yield line.subarray(1);
      if (line?.[0] === 3) throw serverSays(url, line.subarray(1));
    }
  } finally {
    await packets.return(undefined);
  }
}

/** The first line that says something, and the rest. Protocol 2 has no greeting before it. */
const advertised = async (
  { url, transport, limits }: Remote,
  headers: Record<string, string>,
): Promise<{ opening: Buffer | undefined; rest: AsyncGenerator<Buffer | null> }> => {
  const { body, contentType } = await transport.ask({ path: ADVERTISEMENT, headers, maxBytes: limits.refsBytes });
  const rest = readPackets(url, body);
  const first = contentType === 'application/x-git-upload-pack-advertisement' ? await nextLine(rest) : undefined;
  const text = first && textOf(first);
  if (text === '# service=git-upload-pack') return { opening: await nextLine(rest), rest };
  if (text === VERSION_2) return { opening: first, rest };
  await rest.return(undefined);
  throw notGit(url);
};

const nextLine = async (lines: AsyncGenerator<Buffer | null>): Promise<Buffer | undefined> => {
  for (;;) {
    const { value, done } = await lines.next();
    if (done) return undefined;
    if (value !== null) return value;
  }
};

/** Protocol 2: refs that begin with the name. */
const ask = async (
  remote: Remote,
  greeting: AsyncGenerator<Buffer | null>,
  name: string,
): Promise<AsyncGenerator<Ref>> => {
  for await (const _ of greeting); // to its end: the connection serves the next request
  const lines = [packet('command=ls-refs\n'), DELIMITER, packet('peel\n'), packet(`ref-prefix ${name}\n`), FLUSH];
  const answer = await upload(remote, lines, { 'git-protocol': 'version=2' }, remote.limits.refsBytes);
  return newRefs(remote.url, answer);
};

async function* newRefs(url: string, lines: AsyncGenerator<Buffer | null>): AsyncGenerator<Ref> {
  for await (const line of lines) {
    if (line === null) continue;
    const [oid, name, ...attributes] = textOf(line).split(' ');
    if (!isOid(oid) || name === undefined) throw notGit(url);
    yield { name, oid };
    const peeled = attributes.find((a) => a.startsWith('peeled:'))?.slice('peeled:'.length);
    if (isOid(peeled)) yield { name: name + PEELED, oid: peeled };
  }
}

async function* oldRefs(
  url: string,
  opening: Buffer | undefined,
  rest: AsyncGenerator<Buffer | null>,
): AsyncGenerator<Ref> {
  for (let line: Buffer | null | undefined = opening; line !== undefined; line = (await rest.next()).value) {
    const text = line === null ? '' : (textOf(line).split('\0')[0] ?? '');
    if (text === '' || text === 'version 1' || text.startsWith('shallow ')) continue;
    const [oid, name] = text.split(' ');
    if (!isOid(oid) || name === undefined) throw notGit(url);
    if (name !== `capabilities${PEELED}`) yield { name, oid }; // an empty repository has nothing but capabilities
  }
}

const upload = async (
  { url, transport }: Remote,
  lines: readonly string[],
  headers: Record<string, string>,
  maxBytes: number,
): Promise<AsyncGenerator<Buffer | null>> => {
  const { body, contentType } = await transport.ask({
    path: '/git-upload-pack',
    headers: { 'content-type': 'application/x-git-upload-pack-request', ...headers },
    body: Buffer.from(lines.join('')),
    maxBytes,
  });
  if (contentType !== 'application/x-git-upload-pack-result') throw notGit(url);
  return readPackets(url, body);
};

const isOid = (text: string | undefined): text is string => text !== undefined && /^[0-9a-f]{40}$/.test(text);
