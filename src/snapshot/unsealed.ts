import type { KubeObject } from '../api/meta.ts';
import { isRecord, recordOf } from '../ssa/field-set.ts';
import type { Snapshot } from './seal.ts';

/**
 * What a ControllerRevision says that it holds, for who has no key to check it: good for a question, never for an apply.
 * Configuration is named, and may be without its content. undefined where it is no snapshot.
 */
export const unsealed = ({ data }: KubeObject): Pick<Snapshot, 'workload' | 'config'> | undefined => {
  const { workload, config } = recordOf(data);
  if (!isObject(workload)) return undefined;
  const parts = (Array.isArray(config) ? config : []).map((entry: unknown) => {
    const { inline, of } = recordOf(entry);
    return inline ?? of;
  });
  return { workload, config: parts.filter(isObject) };
};

const isObject = (value: unknown): value is KubeObject => isRecord(value) && isRecord(value.metadata);
