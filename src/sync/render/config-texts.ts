import type { GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import type { Reason } from '../../api/reasons.ts';
import { type KubeClient, KubeError, resources, type WatchCachePorts } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import { createVersionedReads, type ObjectName, type VersionedReads } from '../../source/versioned-reads.ts';

/** A ConfigMap or Secret of the GitSync's namespace that its spec names. */
export interface ConfigRef {
  kind: 'ConfigMap' | 'Secret';
  name: string;
  optional: boolean;
}

export type Texts = readonly [name: string, value: string][];

/** In the words of the field that names it. */
export interface Asked {
  /** `spec.postBuild.substituteFrom` */
  field: string;
  missing: Reason;
  tooLarge: Reason;
}

/** What ConfigMaps and Secrets hold that GitSyncs are rendered with. */
export interface ConfigTexts {
  /**
   * Its entries, none where it may be missing and is. Read as whoever the GitSync writes as, and again only when it changed.
   * Rejects with ReasonError, or with KubeError.
   */
  read(sync: GitSync, ref: ConfigRef, asked: Asked): Promise<Texts>;
  /** Called for a ConfigMap or Secret that was asked for and is another one now. */
  onChange(handler: (kind: ConfigRef['kind'], name: ObjectName) => void): void;
  stop(): Promise<void>;
}

/** Of all values of one ConfigMap or Secret. */
const MAX_BYTES = 64 * 1024;
/** ConfigMaps, and Secrets, whose values are remembered; one that was forgotten costs a request. */
const MAX_OBJECTS = 500;

export const createConfigTexts = (client: KubeClient, ports: WatchCachePorts): ConfigTexts => {
  const options = { max: MAX_OBJECTS, take: textsOf };
  const reads: Record<ConfigRef['kind'], VersionedReads<Taken>> = {
    ConfigMap: createVersionedReads(client, resources.configMaps, options, ports),
    Secret: createVersionedReads(client, resources.secrets, options, ports),
  };
  return {
    async read(sync, { kind, name, optional }, { field, missing, tooLarge }) {
      const { namespace = '' } = sync.metadata;
      const reader = { id: sync.spec.serviceAccountName ?? '', client: writerOf(sync, client) };
      const what = `${kind} ${namespace}/${name} of ${field}`;
      const taken = await reads[kind].read({ namespace, name }, reader).catch((error: unknown) => {
        if (!(error instanceof KubeError) || error.status === 0) throw error;
        throw new ReasonError(missing, `${what} can't be read: ${error.message}`);
      });
      if (!taken && !optional)
        throw new ReasonError(missing, `${what} does not exist; create it, or say optional: true`);
      const { texts = [], bytes = 0 } = taken ?? {};
      if (bytes <= MAX_BYTES) return texts;
      throw new ReasonError(tooLarge, `${what} has ${bytes} bytes; ${MAX_BYTES} are taken from one`);
    },
    onChange(handler) {
      for (const kind of ['ConfigMap', 'Secret'] as const) reads[kind].onChange((name) => handler(kind, name));
    },
    stop: async () => void (await Promise.all([reads.ConfigMap.stop(), reads.Secret.stop()])),
  };
};

interface Taken {
  /** None of an object that has more than is taken. */
  texts: Texts;
  bytes: number;
}

const textsOf = ({ kind, data }: KubeObject): Taken => {
  const texts = Object.entries((data ?? {}) as Record<string, string>).map(([name, value]): [string, string] => [
    name,
    kind === 'Secret' ? Buffer.from(value, 'base64').toString() : value,
  ]);
  const bytes = texts.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  return { texts: bytes <= MAX_BYTES ? texts : [], bytes };
};
