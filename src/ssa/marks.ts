import { hash } from 'node:crypto';
import { labelOfManager } from '../api/annotations.ts';
import type { KubeObject } from '../api/meta.ts';
import { type FieldSet, isEmpty } from './field-set.ts';
import { entriesOf, isByHand, type ManagedFieldsEntry } from './managed-fields.ts';

/** What is kept of an entry of managedFields in a watched copy: most of an object can be lists of its fields. */
interface MarkedEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  /** RFC 3339, of an apply. */
  time?: string;
  /** Hash of the fields that the entry owns. */
  mark: string;
}

const OURS = 'metricops/';

const isOurs = ({ manager, operation }: Pick<ManagedFieldsEntry, 'manager' | 'operation'>): boolean =>
  operation === 'Apply' && typeof manager === 'string' && manager.startsWith(OURS);

/** For a watched copy that `ownerOf` and `markOf` are asked about: who applied it for us and who edited it, without the fields. */
export const trimManagedFields = <T extends KubeObject>(object: T): T => {
  object.metadata.managedFields = marksOf(object) as object[];
  return object;
};

/**
 * What somebody else's change to what this owner applied moves, and nothing else does. The API server takes a field that
 * another writes from our entry, for kinds with a generation and without, for labels and annotations too; what is added
 * by hand it notes under the editor's name. A status, or a field that is another manager's, is in neither.
 * @param label of the owner
 * @returns an empty text where that owner applied nothing of it
 */
export const markOf = (object: KubeObject, label: string): string => {
  const marks = marksOf(object);
  const own = marks.filter((entry) => isOurs(entry) && labelOfManager(entry.manager) === label);
  if (own.length === 0) return '';
  return [...own, ...marks.filter((entry) => !isOurs(entry))].map(({ mark }) => mark).join();
};

/** When this owner last changed the object by an apply (RFC 3339, in seconds); empty where the API server does not say. */
export const appliedAt = (object: KubeObject, label: string): string =>
  marksOf(object).find((entry) => isOurs(entry) && labelOfManager(entry.manager) === label)?.time ?? '';

const marksOf = (object: KubeObject): MarkedEntry[] => {
  const entries: readonly (ManagedFieldsEntry | MarkedEntry)[] = entriesOf(object);
  if (!entries.some(isOurs)) return [];
  return entries.flatMap((entry) => {
    if ('mark' in entry) return [entry];
    const { manager, operation, time } = entry;
    const fieldsV1 = entry.fieldsV1 ?? {};
    if (isOurs(entry) && !entry.subresource) {
      return [{ manager, operation, ...(time === undefined ? {} : { time }), mark: markOfFields(fieldsV1) }];
    }
    const { 'f:metadata': _, ...added } = fieldsV1; // labels and annotations of others stay with who wrote them
    const edited = isByHand([])(entry) && !isEmpty(added);
    return edited ? [{ manager, operation, mark: `${manager} ${markOfFields(added)}` }] : [];
  });
};

/** The API server writes the fields in one order. */
const markOfFields = (fields: FieldSet): string => hash('sha1', JSON.stringify(fields), 'base64');
