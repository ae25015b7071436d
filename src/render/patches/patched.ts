import { isConfidential } from '../../api/confidential.ts';
import { describeKey, type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { createLoopYielder } from '../../loop-yielder.ts';
import { asSecretHolder } from '../secret-holder.ts';
import type { Rendered, RendererPorts, RenderInput } from '../types.ts';
import { type Build, type Built, buildPatched } from './build.ts';
import { concerned } from './concerned.ts';
import { failureOf } from './failure.ts';
import { imagesOf } from './images.ts';
import { marksOf } from './marks.ts';
import { unmatchedImages, unmatchedPatches } from './unmatched.ts';
import { hasCarried, withCarried } from './write.ts';

export const isPatched = ({ patching }: Pick<RenderInput, 'patching'>): boolean =>
  patching !== undefined && patching.patches.length + patching.images.length > 0;

/**
 * What was rendered, with spec.patches and spec.images: kustomize applies them, and is given no object that they are not
 * about. For who has a place of the large renders. Rejects with ReasonError.
 */
export const patched = async (rendered: Rendered, input: RenderInput, ports: RendererPorts): Promise<Rendered> => {
  const { patching, tenant = '' } = input;
  if (!patching || !isPatched(input)) return rendered;
  const { objects } = rendered;
  const images = patching.images.length > 0 ? await imagesOf(objects) : new Map<KubeObject, string[]>();
  const given = concerned(objects, patching, images);
  // All runs have the time of one: who fails at leisure keeps the place from no other tenant.
  const until = performance.now() + ports.timeoutMs;
  const build: Build = (some, asked) =>
    buildPatched(some, asked, { ...ports, timeoutMs: Math.max(1, Math.round(until - performance.now())) });
  const built = await build(given, patching);
  if (!built.ok) throw await failureOf(built, given, patching, build);
  const made = await objectsIn(built, given, { ports, tenant });
  const changed = new Map(given.map((object, i) => [object, made.get(i)]));
  const removes = patching.patches.some(({ patch }) => patch.includes('$patch'));
  return {
    ...rendered,
    objects: objects.flatMap((object) => {
      // kustomize itself drops what is annotated as config.kubernetes.io/local-config.
      const kept = changed.has(object) ? changed.get(object) : object;
      return kept ?? (removes ? [] : [object]);
    }),
    bytes: Math.max(rendered.bytes, built.text.length),
    unmatched: [
      ...(await unmatchedPatches(given, patching, build)),
      ...unmatchedImages([...images.values()].flat(), patching),
    ],
  };
};

/** What kustomize wrote, by the place of the object that it was made of. */
const objectsIn = async (
  built: Built,
  given: readonly KubeObject[],
  { ports, tenant }: { ports: RendererPorts; tenant: string },
): Promise<Map<number, KubeObject>> => {
  const holdsSecrets = given.some(isConfidential);
  const parsed = await ports.parser
    .parse([{ file: 'spec.patches', text: built.text, sops: 'Kept' }], tenant)
    .catch((error: unknown) => {
      if (!holdsSecrets || !(error instanceof ReasonError)) throw error;
      const why = 'what is wrong with it may hold a value of a Secret, and is not shown';
      throw new ReasonError(error.code, `spec.patches make an object that can't be applied; ${why}`);
    });
  const carried = hasCarried(built.text, built.token);
  const breathe = createLoopYielder();
  const made = new Map<number, KubeObject>();
  for (const object of parsed) {
    await breathe();
    const { at, object: unmarked } = marksOf(object, built.token);
    const from = at === undefined ? undefined : given[at];
    if (at === undefined || !from || made.has(at)) {
      throw new ReasonError('PatchFailed', 'spec.patches replace an object as a whole; patch its fields instead');
    }
    made.set(at, stillConfidential(from, carried ? withCarried(unmarked, built.token) : unmarked));
  }
  return made;
};

/** What may not be shown stays what it is: neither its name nor its kind can be made of its values, nor its mark go. */
const stillConfidential = (from: KubeObject, made: KubeObject): KubeObject => {
  if (!isConfidential(from)) return made;
  const same = keyString(keyOf(from)) === keyString(keyOf(made)) && from.apiVersion === made.apiVersion;
  const marked = same ? asSecretHolder(made) : undefined;
  if (marked) return marked;
  const what = `spec.patches change the name or kind of ${describeKey(keyOf(from))}, which holds the value of a Secret`;
  throw new ReasonError('PatchFailed', `${what}; patch other fields only`);
};
