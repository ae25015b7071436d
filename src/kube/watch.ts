import type { Dispatcher } from 'undici';
import type { KubeObject } from '../api/meta.ts';
import { readJson } from '../json.ts';
import { errorFromAnswer, KubeError, unreachable } from './errors.ts';
import { apiVersionOf, collectionOf } from './paths.ts';
import { type Call, JSON_TYPE } from './transport.ts';
import type { ListOptions, ResourceType, WatchEvent } from './types.ts';

const METADATA = `${JSON_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`;

/** The server ends a watch after this long; jitter keeps many watches from coming back at once. */
const watchSeconds = (): number => 240 + Math.floor(Math.random() * 60);

/** One watch connection, as events; it ends when the server ends it, or says nothing for `watchQuietMs`. */
export async function* watchOnce<T extends KubeObject>(
  open: (call: Call) => Promise<Dispatcher.ResponseData>,
  type: ResourceType,
  options: ListOptions & { resourceVersion: string },
): AsyncIterable<WatchEvent<T>> {
  try {
    const answer = await open(callOf(type, options));
    if (answer.statusCode !== 200) throw errorFromAnswer(answer.statusCode, await answer.body.text(), undefined);
    for await (const line of linesOf(answer.body)) yield eventOf<T>(type, line);
  } catch (error) {
    // Silence is no error: nothing may have changed. The next watch fails if the server is gone.
    if ((error as { code?: string }).code === 'UND_ERR_BODY_TIMEOUT') return;
    throw error instanceof KubeError ? error : unreachable(error);
  }
}

const callOf = (type: ResourceType, options: ListOptions & { resourceVersion: string }): Call => ({
  method: 'GET',
  path: collectionOf(type, options.namespace),
  query: {
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(watchSeconds()),
    resourceVersion: options.resourceVersion,
  },
  accept: options.metadataOnly ? METADATA : JSON_TYPE,
});

const eventOf = <T extends KubeObject>(type: ResourceType, line: string): WatchEvent<T> => {
  const event = readJson(line) as { type: string; object: T & { code?: number; message?: string; reason?: string } };
  const { object } = event;
  if (event.type === 'ERROR') {
    throw new KubeError(object.message ?? 'watch failed', {
      status: object.code ?? 500,
      reason: object.reason ?? 'Unknown',
    });
  }
  if (event.type === 'BOOKMARK') return { type: 'BOOKMARK', resourceVersion: object.metadata.resourceVersion ?? '' };
  return { type: event.type as 'ADDED', object: typed(type, object) };
};

/** Items of a list say no kind of their own; those of a metadata list say the wrong one. */
export const typed = <T extends KubeObject>(type: ResourceType, object: T): T => {
  object.apiVersion = apiVersionOf(type);
  object.kind = type.kind;
  return object;
};

/** Newline-delimited text, whatever way it is cut into chunks. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
}
