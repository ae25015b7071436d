import { createHmac } from 'node:crypto';
import type { GitSync } from '../../api/gitsync.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { VariableSource } from '../../api/post-build.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { type KubeClient, KubeError, resources, type WatchCachePorts } from '../../kube/index.ts';
import { writerOf } from '../../policy/writer.ts';
import type { ReadVariables, Variable } from '../../render/index.ts';
import { createVersionedReads, type ObjectName, type VersionedReads } from '../../source/versioned-reads.ts';

export interface VariablesReader {
  /** undefined where the GitSync substitutes nothing. Rejects with ReasonError, or with KubeError. */
  of(sync: GitSync): Promise<ReadVariables | undefined>;
  /** Called for a ConfigMap or Secret that was asked for and is another one now. */
  onChange(handler: (kind: VariableSource['kind'], name: ObjectName) => void): void;
  stop(): Promise<void>;
}

const NAME = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
/** Of all values of one ConfigMap or Secret. */
const MAX_BYTES = 64 * 1024;
/** ConfigMaps, and Secrets, whose values are remembered; one that was forgotten costs a request. */
const MAX_OBJECTS = 500;

/** The variables of GitSyncs: read as whoever the GitSync writes as, and again only when they changed. */
export const createVariables = (
  client: KubeClient,
  { digestKey, ...ports }: WatchCachePorts & { digestKey: Uint8Array },
): VariablesReader => {
  const options = { max: MAX_OBJECTS, take: textsOf };
  const reads: Record<VariableSource['kind'], VersionedReads<Texts>> = {
    ConfigMap: createVersionedReads(client, resources.configMaps, options, ports),
    Secret: createVersionedReads(client, resources.secrets, options, ports),
  };

  const read = async (sync: GitSync, { kind, name, optional }: VariableSource): Promise<Texts> => {
    const { namespace = '' } = sync.metadata;
    const reader = { id: sync.spec.serviceAccountName ?? '', client: writerOf(sync, client) };
    const what = `${kind} ${namespace}/${name} of spec.postBuild.substituteFrom`;
    const texts = await reads[kind].read({ namespace, name }, reader).catch((error: unknown) => {
      if (!(error instanceof KubeError) || error.status === 0) throw error;
      throw new ReasonError('VariablesNotFound', `${what} can't be read: ${error.message}`);
    });
    if (texts || optional) return texts ?? [];
    throw new ReasonError('VariablesNotFound', `${what} does not exist; create it, or say optional: true`);
  };

  return {
    async of(sync) {
      const { postBuild } = sync.spec;
      if (!postBuild) return undefined;
      const values = new Map<string, Variable>();
      const add = (texts: Texts, where: string, isSecret: boolean): void => {
        for (const [name, value] of texts) {
          if (!NAME.test(name)) {
            const rule = 'a name has letters, digits and _, and begins with no digit';
            throw new ReasonError(
              'SubstitutionFailed',
              `${JSON.stringify(name)} in ${where} names no variable: ${rule}`,
            );
          }
          values.set(name, { value, isSecret });
        }
      };
      for (const from of postBuild.substituteFrom)
        add(await read(sync, from), `${from.kind} ${from.name}`, from.kind === 'Secret');
      add(Object.entries(postBuild.substitute), 'spec.postBuild.substitute', false);
      const digest = createHmac('sha256', digestKey).update(JSON.stringify([...values].toSorted(byName)));
      return { values, digest: digest.digest('hex').slice(0, 16) };
    },
    onChange(handler) {
      for (const kind of ['ConfigMap', 'Secret'] as const) reads[kind].onChange((name) => handler(kind, name));
    },
    stop: async () => void (await Promise.all([reads.ConfigMap.stop(), reads.Secret.stop()])),
  };
};

type Texts = readonly [name: string, value: string][];

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

const textsOf = ({ kind, data }: KubeObject, key: string): Texts => {
  const texts = Object.entries((data ?? {}) as Record<string, string>).map(([name, value]): [string, string] => [
    name,
    kind === 'Secret' ? Buffer.from(value, 'base64').toString() : value,
  ]);
  const bytes = texts.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0);
  if (bytes <= MAX_BYTES) return texts;
  const most = `${MAX_BYTES} are taken from one`;
  throw new ReasonError('SubstitutionFailed', `the variables of ${kind} ${key} have ${bytes} bytes; ${most}`);
};
