import { describeKey, type KubeObject, keyOf } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { createLoopYielder } from '../../loop-yielder.ts';
import { asSecretHolder, RATHER } from '../secret-holder.ts';

/** What is shorter is no secret that anybody would have to guess: `true`, `nginx`, `8080`, a name. */
const LEAST = 8;
/** Values with the same beginning that are told apart; of more, the beginning alone counts. */
const MAX_ALIKE = 16;
const MAX_DEPTH = 100;

/** A value of a Secret, or its base64. */
interface Needle {
  text: string;
  /** As messages name it: `db.password of Secret shop/web`. */
  name: string;
}

/** The values of a Secret, by their first characters. */
export type SecretValues = ReadonlyMap<string, readonly Needle[]>;

/** @param documents of values, each with the Secret that it is of */
export const secretValuesOf = (documents: readonly { from: string; values: unknown }[]): SecretValues => {
  const byStart = new Map<string, Needle[]>();
  const add = (needle: Needle): void => {
    const start = needle.text.slice(0, LEAST);
    const alike = byStart.get(start) ?? [];
    if (alike.some(({ text }) => text === needle.text || text === start)) return;
    alike.push(alike.length < MAX_ALIKE ? needle : { ...needle, text: start });
    byStart.set(start, alike);
  };
  for (const { from, values } of documents) {
    for (const [path, text] of textsIn(values)) {
      const name = `${path} of ${from}`;
      const trimmed = text.trim();
      if (trimmed.length < LEAST) continue;
      add({ text: trimmed, name });
      // Of whole groups of three bytes: what stands behind it changes no character of these.
      const bytes = Buffer.from(trimmed);
      add({ text: bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64'), name });
    }
  }
  return byStart;
};

/**
 * The objects, with a mark on those in which a value of a Secret stands. What a template made of it otherwise, a hash, is
 * not found. Rejects with ReasonError where it stands in what is recorded with releases, or in a name.
 */
export const markHolders = async (objects: readonly KubeObject[], secrets: SecretValues): Promise<KubeObject[]> => {
  if (secrets.size === 0) return [...objects];
  const breathe = createLoopYielder();
  const result: KubeObject[] = [];
  for (const object of objects) {
    await breathe();
    const { name, namespace = '' } = object.metadata;
    const named = find(`${namespace}/${name}`, secrets);
    if (named) throw exposed(`the name of a ${object.kind} holds ${named.name}`);
    const held = findIn(object, secrets);
    const marked = held ? asSecretHolder(object) : object;
    if (!marked) {
      const what = `${describeKey(keyOf(object))} would hold ${held?.name}, and is recorded with its releases`;
      throw exposed(`${what}: ${RATHER}; what is not secret belongs into a ConfigMap`);
    }
    result.push(marked);
  }
  return result;
};

/** Texts that a condition shows, such as hooks; one that has the value of a Secret in other words. */
export const shownOf = (texts: readonly string[], secrets: SecretValues): string[] =>
  texts.map((text) => {
    const held = find(text, secrets);
    return held ? `one that has ${held.name} in its name or annotation` : text;
  });

/** The same error; in other words where it says the value of a Secret, such as a name that is none. */
export const withoutSecrets = (error: unknown, secrets: SecretValues): unknown => {
  if (!(error instanceof ReasonError)) return error;
  const held = find(error.message, secrets);
  if (!held) return error;
  return new ReasonError(error.code, `what the chart makes can't be taken; why would show ${held.name}`);
};

const exposed = (message: string): ReasonError => new ReasonError('SecretExposed', message);

const findIn = (value: unknown, secrets: SecretValues): Needle | undefined => {
  if (typeof value === 'string' || typeof value === 'number') return find(String(value), secrets);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const found = find(key, secrets) ?? findIn(member, secrets);
    if (found) return found;
  }
  return undefined;
};

const find = (text: string, secrets: SecretValues): Needle | undefined => {
  for (let at = 0; at + LEAST <= text.length; at += 1) {
    const found = secrets.get(text.slice(at, at + LEAST))?.find((needle) => text.startsWith(needle.text, at));
    if (found) return found;
  }
  return undefined;
};

/** Every text and number, with where it stands. */
function* textsIn(value: unknown, path = '', depth = 0): Generator<[path: string, text: string]> {
  if (['string', 'number', 'bigint'].includes(typeof value)) yield [path, String(value)];
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  for (const [key, member] of Object.entries(value)) {
    yield* textsIn(member, path === '' ? key : `${path}.${key}`, depth + 1);
  }
}
