import { Agent, type Dispatcher, request } from 'undici';
import type { KubeObject } from '../api/meta.ts';
import type { Connection } from './config.ts';
import { errorFromAnswer, KubeError } from './errors.ts';
import type { KubeClient, ListOptions, Name, Patch, ResourceType, WatchEvent } from './types.ts';

export interface KubeClientOptions {
  /** Connections to the API server; requests beyond it queue. */
  connections?: number;
  /** Called once a request: for counters. code is '0' when there was no answer. */
  onRequest?: (verb: string, code: string) => void;
  userAgent?: string;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Call {
  method: Method;
  path: string;
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
  accept?: string;
}

const JSON_TYPE = 'application/json';
const APPLY_TYPE = 'application/apply-patch+yaml';
const METADATA = ';as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const METADATA_LIST = ';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const PAGE = 500;
const TIMEOUT_MS = 30_000;
/** A busy API server says when to come back; more often than this it is asked for nothing. */
const MAX_TRIES = 5;

/** One keep-alive dispatcher, raw JSON. `close` ends its connections. */
export const createKubeClient = (
  connection: Connection,
  options: KubeClientOptions = {},
): KubeClient & { close(): Promise<void> } => {
  const connect = tlsOf(connection);
  const dispatcher = new Agent({ connections: options.connections ?? 32, keepAliveTimeout: 60_000, connect });
  // Watches are long and few: they do not take the connections of requests.
  const watchDispatcher = new Agent({ connections: null, connect, bodyTimeout: 0 });
  const client = clientOf({ connection, dispatcher, watchDispatcher, options }, {});
  return Object.assign(client, {
    close: async () => void (await Promise.all([dispatcher.destroy(), watchDispatcher.destroy()])),
  });
};

const tlsOf = ({ ca, cert, key, insecure }: Connection): object => ({
  ...(ca === undefined ? {} : { ca }),
  ...(cert === undefined ? {} : { cert }),
  ...(key === undefined ? {} : { key }),
  rejectUnauthorized: insecure !== true,
});

interface Shared {
  connection: Connection;
  dispatcher: Dispatcher;
  watchDispatcher: Dispatcher;
  options: KubeClientOptions;
}

const clientOf = (shared: Shared, identity: Record<string, string | string[]>): KubeClient => {
  const send = (call: Call, dispatcher: Dispatcher, signal: AbortSignal): Promise<Dispatcher.ResponseData> =>
    sendCall(shared, identity, call, dispatcher, signal);
  const json = async <T>(call: Call): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await once(send, shared, call);
      if (!(outcome instanceof KubeError)) return outcome as T;
      const wait = retryDelay(outcome, call.method, attempt);
      if (wait === undefined) throw outcome;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };

  return {
    async get(type, name) {
      try {
        return await json({ method: 'GET', path: pathOf(type, name) });
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return undefined;
        throw error;
      }
    },
    list: (type, listOptions = {}) => listAll(json, type, listOptions),
    create: (type, object, { dryRun } = {}) =>
      json({
        method: 'POST',
        path: collectionOf(type, object.metadata.namespace),
        query: { dryRun: dryRun ? 'All' : undefined, fieldValidation: 'Strict' },
        body: object,
      }),
    replace: (type, object, { subresource } = {}) =>
      json({
        method: 'PUT',
        path: pathOf(type, object.metadata, subresource),
        query: { fieldValidation: 'Strict' },
        body: object,
      }),
    patch: (type, name, patch, { subresource, fieldManager } = {}) =>
      json({
        method: 'PATCH',
        path: pathOf(type, name, subresource),
        query: { fieldManager },
        body: patch.body,
        contentType: PATCH_TYPES[patch.type],
      }),
    apply: (type, object, { fieldManager, force, dryRun, subresource }) =>
      json({
        method: 'PATCH',
        path: pathOf(type, object.metadata, subresource),
        query: {
          fieldManager,
          force: force ? 'true' : undefined,
          dryRun: dryRun ? 'All' : undefined,
          fieldValidation: 'Strict',
        },
        body: object,
        contentType: APPLY_TYPE,
      }),
    async delete(type, name, { propagationPolicy = 'Background', uid, resourceVersion } = {}) {
      const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
      try {
        await json({ method: 'DELETE', path: pathOf(type, name), body: { propagationPolicy, preconditions } });
      } catch (error) {
        if (!(error instanceof KubeError && error.status === 404)) throw error;
      }
    },
    watch: (type, watchOptions, signal) =>
      watchOnce((call) => send(call, shared.watchDispatcher, signal), type, watchOptions),
    raw: (method, path, body) => json({ method, path, body }),
    impersonate: ({ userName, groups }) =>
      clientOf(shared, {
        'Impersonate-User': userName,
        ...(groups === undefined ? {} : { 'Impersonate-Group': groups }),
      }),
  };
};

const PATCH_TYPES: Record<Patch['type'], string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};

const sendCall = async (
  { connection, options }: Shared,
  identity: Record<string, string | string[]>,
  call: Call,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> => {
  const token = await connection.token?.();
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, value);
  const text = query.toString();
  return request(`${connection.server.replace(/\/$/, '')}${call.path}${text === '' ? '' : `?${text}`}`, {
    method: call.method,
    dispatcher,
    signal,
    headersTimeout: TIMEOUT_MS,
    headers: {
      accept: call.accept ?? JSON_TYPE,
      'user-agent': options.userAgent ?? 'metricops',
      ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? JSON_TYPE }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...identity,
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  });
};

/** One try: the parsed answer, or a KubeError given back for the caller to weigh. */
const once = async (
  send: (call: Call, dispatcher: Dispatcher, signal: AbortSignal) => Promise<Dispatcher.ResponseData>,
  { dispatcher, options }: Shared,
  call: Call,
): Promise<unknown> => {
  try {
    const answer = await send(call, dispatcher, AbortSignal.timeout(TIMEOUT_MS * 2));
    const text = await answer.body.text();
    options.onRequest?.(call.method, String(answer.statusCode));
    if (answer.statusCode >= 300) {
      return errorFromAnswer(answer.statusCode, text, first(answer.headers['retry-after']));
    }
    const isJson = first(answer.headers['content-type'])?.includes('json') ?? false;
    return isJson ? JSON.parse(text) : text;
  } catch (cause) {
    options.onRequest?.(call.method, '0');
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    return new KubeError(`no answer from the API server: ${reason}`, { status: 0, reason: 'Unreachable', cause });
  }
};

const first = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

/** Milliseconds until the next try; undefined when there should be none. A write that got no answer may have happened. */
const retryDelay = (error: KubeError, method: Method, attempt: number): number | undefined => {
  if (attempt >= MAX_TRIES) return undefined;
  if (error.status === 429 || (error.status === 503 && error.retryAfterSeconds !== undefined)) {
    return Math.min(error.retryAfterSeconds ?? 1, 10) * 1000 * (1 + Math.random() / 4);
  }
  const repeatable = method === 'GET' || method === 'PUT';
  return error.status === 0 && repeatable && attempt < 3 ? 100 * attempt : undefined;
};

const collectionOf = (type: ResourceType, namespace: string | undefined): string => {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope =
    type.namespaced && namespace !== undefined && namespace !== ''
      ? `/namespaces/${encodeURIComponent(namespace)}`
      : '';
  return `${root}${scope}/${type.plural}`;
};

const pathOf = (type: ResourceType, name: Name, subresource?: string): string =>
  `${collectionOf(type, name.namespace)}/${encodeURIComponent(name.name)}${subresource === undefined ? '' : `/${subresource}`}`;

export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

interface ListAnswer<T> {
  metadata: { resourceVersion?: string; continue?: string };
  items: T[] | null;
}

const listAll = async <T extends KubeObject>(
  json: <R>(call: Call) => Promise<R>,
  type: ResourceType,
  options: ListOptions,
): Promise<{ items: T[]; resourceVersion: string }> => {
  const items: T[] = [];
  let next: string | undefined;
  for (;;) {
    const page: ListAnswer<T> = await json({
      method: 'GET',
      path: collectionOf(type, options.namespace),
      query: { ...selectorsOf(options), limit: String(PAGE), continue: next },
      accept: options.metadataOnly ? `${JSON_TYPE}${METADATA_LIST}` : JSON_TYPE,
    });
    for (const item of page.items ?? []) items.push(typed(type, item));
    next = page.metadata.continue;
    if (next === undefined || next === '') return { items, resourceVersion: page.metadata.resourceVersion ?? '' };
  }
};

/** Items of a list say no kind of their own; those of a metadata list say the wrong one. */
const typed = <T extends KubeObject>(type: ResourceType, object: T): T => {
  object.apiVersion = apiVersionOf(type);
  object.kind = type.kind;
  return object;
};

const selectorsOf = (options: ListOptions): Record<string, string | undefined> => ({
  labelSelector: options.labelSelector,
  fieldSelector: options.fieldSelector,
});

/** The server ends a watch after this long; jitter keeps many watches from coming back at once. */
const watchSeconds = (): number => 240 + Math.floor(Math.random() * 60);

async function* watchOnce<T extends KubeObject>(
  send: (call: Call) => Promise<Dispatcher.ResponseData>,
  type: ResourceType,
  options: ListOptions & { resourceVersion: string },
): AsyncIterable<WatchEvent<T>> {
  const answer = await send({
    method: 'GET',
    path: collectionOf(type, options.namespace),
    query: {
      ...selectorsOf(options),
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds()),
      resourceVersion: options.resourceVersion,
    },
    accept: options.metadataOnly ? `${JSON_TYPE}${METADATA}` : JSON_TYPE,
  });
  if (answer.statusCode !== 200) throw errorFromAnswer(answer.statusCode, await answer.body.text(), undefined);
  for await (const line of linesOf(answer.body)) {
    const event = JSON.parse(line) as {
      type: string;
      object: T & { code?: number; message?: string; reason?: string };
    };
    if (event.type === 'ERROR') {
      const { code = 500, message = 'watch failed', reason = 'Unknown' } = event.object;
      throw new KubeError(message, { status: code, reason });
    }
    if (event.type === 'BOOKMARK')
      yield { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion ?? '' };
    else yield { type: event.type as 'ADDED', object: typed(type, event.object) };
  }
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}
