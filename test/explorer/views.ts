import type { KubeObject } from '../../src/api/meta.ts';
import type { ResourceType, WatchCache } from '../../src/kube/index.ts';
import { copyOf, type Moment } from '../support/api-server.ts';

type Trim = (object: KubeObject) => KubeObject;

/** Trimmed once for each version of an object, as a watch does. */
const trimmed = new WeakMap<Trim, WeakMap<KubeObject, KubeObject>>();

const seenBy = (trim: Trim, object: KubeObject): KubeObject => {
  const known = trimmed.get(trim) ?? new WeakMap<KubeObject, KubeObject>();
  trimmed.set(trim, known);
  const found = known.get(object) ?? trim(copyOf(object));
  known.set(object, found);
  return found;
};

/** As watches do where nobody asks for them. */
const withoutManagedFields: Trim = (object) => {
  delete object.metadata.managedFields;
  return object;
};

/** A watched copy that shows one moment and hears of nothing: who is asked to act on it finds it as it is. */
export const viewOf = <T extends KubeObject = KubeObject>(
  moment: () => Moment,
  { group, kind }: ResourceType,
  trim: Trim = withoutManagedFields,
): WatchCache<T> => {
  const all = () => moment().objects.get(`${group}/${kind}`);
  return {
    get({ namespace, name }) {
      const found = all()?.get(`${namespace ?? ''}/${name}`);
      return found && (seenBy(trim, found) as T);
    },
    list: (namespace) =>
      [...(all()?.values() ?? [])]
        .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
        .map((object) => seenBy(trim, object) as T),
    onChange: () => () => {},
    ready: async () => {},
    stop: async () => {},
  };
};
