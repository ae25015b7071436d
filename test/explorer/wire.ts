import type { KubeObject } from '../../src/api/meta.ts';
import { type ApplyOptions, type KubeClient, KubeError, type ResourceType } from '../../src/kube/index.ts';
import type { ApiServer, Moment } from '../support/api-server.ts';

/** What goes wrong in one piece of work. Writes are counted from 1. */
export type Fault =
  | { what: 'crash'; after: number }
  | { what: 'refused' | 'lost'; write: number }
  /** A leader that lost its Lease: it read at that moment, and one write lands now. */
  | { what: 'frozen'; saw: Moment };

/** One write that the API server carried out. */
export interface Written {
  verb: 'create' | 'replace' | 'patch' | 'apply' | 'delete';
  type: ResourceType;
  before: Moment;
  after: Moment;
}

export interface Wire {
  client: KubeClient;
  /** Writes that were tried. */
  tried(): number;
  written: Written[];
  /** Resolves when the process is dead. */
  died: Promise<void>;
  /** Requests so far: nothing is under way when it stays the same. */
  requests(): number;
}

/** The answer of a process that is dead, or of one that nobody waits for. */
const never = (): Promise<never> => new Promise(() => {});

const REFUSED = { status: 403, reason: 'Forbidden' };

/** A client of the API server in memory on which things go wrong as they are told to. */
export const createWire = (server: ApiServer, fault: Fault | undefined): Wire => {
  const { client } = server;
  const now = server.moment();
  if (fault?.what === 'frozen') server.restore(fault.saw);
  let tried = 0;
  let requests = 0;
  let dead = false;
  const death = Promise.withResolvers<void>();
  const written: Written[] = [];

  const read = <T>(answer: () => Promise<T>): Promise<T> => {
    requests += 1;
    return dead ? never() : answer();
  };
  const write = async <T>(
    verb: Written['verb'],
    type: ResourceType,
    dryRun: boolean | undefined,
    carryOut: () => Promise<T>,
  ): Promise<T> => {
    requests += 1;
    if (dead) return never();
    if (dryRun) return carryOut();
    tried += 1;
    const fate = fateOf(fault, tried);
    if (fate === 'refused') throw new KubeError(`${type.plural} is forbidden: exceeded quota`, REFUSED);
    if (fault?.what === 'frozen') server.restore(now);
    if (fate === 'last') dead = true;
    const before = server.moment();
    const result = await carryOut().finally(() => dead && death.resolve());
    const after = server.moment();
    if (before.version !== after.version) written.push({ verb, type, before, after });
    if (fate === 'lost') throw new KubeError('no answer from the API server', { status: 0, reason: 'Unreachable' });
    return dead ? never() : result;
  };

  const wired: KubeClient = {
    get: <T extends KubeObject>(type: ResourceType, name: { namespace?: string; name: string }) =>
      read(() => client.get<T>(type, name)),
    list: <T extends KubeObject>(type: ResourceType, options?: Parameters<KubeClient['list']>[1]) =>
      read(() => client.list<T>(type, options)),
    create: (type, object, options) =>
      write('create', type, options?.dryRun, () => client.create(type, object, options)),
    replace: (type, object, options) => write('replace', type, false, () => client.replace(type, object, options)),
    patch: (type, name, patch, options) => write('patch', type, false, () => client.patch(type, name, patch, options)),
    apply: <T extends KubeObject>(type: ResourceType, object: KubeObject, options: ApplyOptions) =>
      write('apply', type, options.dryRun, () => client.apply<T>(type, object, options)),
    delete: (type, name, options) => write('delete', type, false, () => client.delete(type, name, options)),
    watch: client.watch,
    readLog: (...request) => read(() => client.readLog(...request)),
    raw: (...request) => read(() => client.raw(...request)),
    impersonate: () => wired,
  };
  return { client: wired, written, died: death.promise, tried: () => tried, requests: () => requests };
};

/** What becomes of a write; `last`: it is carried out, and nothing after it. */
const fateOf = (fault: Fault | undefined, write: number): 'refused' | 'lost' | 'last' | undefined => {
  if (fault?.what === 'frozen') return 'last';
  if (fault?.what === 'crash') return fault.after === write ? 'last' : undefined;
  return fault?.write === write ? fault.what : undefined;
};
