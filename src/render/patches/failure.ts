import { isConfidential } from '../../api/confidential.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { Patching } from '../../api/patching.ts';
import { ReasonError } from '../../api/reason-error.ts';
import type { Failure } from '../../bounded.ts';
import type { Build } from './build.ts';

const FAILED = 'KustomizeFailed';

/**
 * Why it failed, with the patch that is at fault: kustomize names none, so it is asked for ever fewer of them. It also
 * quotes the objects, so for these words it is given none of a Secret's values.
 */
export const failureOf = async (
  failure: Failure,
  given: readonly KubeObject[],
  { patches }: Patching,
  build: Build,
): Promise<ReasonError> => {
  if (failure.code !== FAILED) return new ReasonError(failure.code, `kustomize build of spec.patches ${failure.why}`);
  const shown = given.map((object) => (isConfidential(object) ? masked(object) : object));
  const failureOfFirst = async (count: number): Promise<Failure | undefined> => {
    const outcome = await build(shown, { patches: patches.slice(0, count), images: [] });
    return outcome.ok ? undefined : outcome;
  };
  let fine = 0;
  let broken = patches.length;
  let found = await failureOfFirst(broken);
  if (found?.code !== FAILED) return new ReasonError('PatchFailed', withoutPatch(failure, given.some(isConfidential)));
  while (broken - fine > 1) {
    const middle = Math.floor((fine + broken) / 2);
    const earlier = await failureOfFirst(middle);
    if (earlier && earlier.code !== FAILED) break; // no time is left
    if (earlier) [broken, found] = [middle, earlier];
    else fine = middle;
  }
  const which = broken - fine === 1 ? `spec.patches[${fine}]` : `one of spec.patches[${fine}] to [${broken - 1}]`;
  return new ReasonError('PatchFailed', `${which} ${found.why}`);
};

const withoutPatch = ({ why }: Failure, hasSecrets: boolean): string =>
  hasSecrets
    ? 'spec.patches or spec.images failed at an object with the value of a Secret; what kustomize says is not shown'
    : `spec.patches or spec.images ${why}`;

/** With the same fields, and no value. */
const masked = ({ apiVersion, kind, metadata, ...rest }: KubeObject): KubeObject => {
  const { name, namespace, ...more } = metadata;
  const own = namespace === undefined ? { name } : { name, namespace };
  return {
    ...(withoutValues(rest) as object),
    apiVersion,
    kind,
    metadata: { ...(withoutValues(more) as object), ...own },
  };
};

const withoutValues = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutValues);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([field, member]) => [field, withoutValues(member)]));
  return typeof value === 'boolean' || value === null ? value : 'masked';
};
