import { describeKey, type KubeObject, keyOf } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';
import { createLoopYielder } from '../../loop-yielder.ts';
import { asSecretHolder, RATHER } from '../secret-holder.ts';

/** What is shorter is no secret that anybody would have to guess: `true`, `nginx`, `8080`, a name. */
const LEAST = 8;
/** Values with the same beginning that are told apart; of more, the beginning alone counts. */
const MAX_ALIKE = 16;
/** Characters of values that are compared in one render; of what comes after them, the beginning alone counts. */
const MAX_COMPARED = 100_000_000;
/** Compared before the whole of a long value is. */
const FIRST = 64;
/** Characters of a text after which others have a turn. */
const STRETCH = 65_536;
const MAX_DEPTH = 100;

/** A value of a Secret, or its base64. */
interface Needle {
  first: string;
  text: string;
  /** As messages name it: `db.password of Secret shop/web`. */
  name: string;
}

/** The values of Secrets that one render has. */
export interface SecretValues {
  isEmpty: boolean;
  /** The name of one that stands in the text. */
  find(text: string): Promise<string | undefined>;
}

/** Of a Secret, or of a file that was decrypted. */
export interface SecretDocument {
  from: string;
  values: unknown;
}

/**
 * @param documents of values, each with the Secret that it is of
 * @param breathe lets others of this thread go on
 */
export const secretValuesOf = async (
  documents: Iterable<SecretDocument> | AsyncIterable<SecretDocument>,
  breathe: () => Promise<void> = createLoopYielder(),
): Promise<SecretValues> => {
  /** By their first characters. */
  const byStart = new Map<string, Needle[]>();
  const add = (text: string, name: string): void => {
    const start = text.slice(0, LEAST);
    const alike = byStart.get(start) ?? [];
    if (alike.some((other) => other.text === text || other.text === start)) return;
    const counts = alike.length < MAX_ALIKE ? text : start;
    alike.push({ first: counts.slice(0, FIRST), text: counts, name });
    byStart.set(start, alike);
  };
  for await (const { from, values } of documents) {
    for (const [path, text] of textsIn(values)) {
      await breathe();
      const name = `${path} of ${from}`;
      const trimmed = text.trim();
      if (trimmed.length < LEAST) continue;
      add(trimmed, name);
      // Of whole groups of three bytes: what stands behind it changes no character of these.
      const bytes = Buffer.from(trimmed);
      add(bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64'), name);
    }
  }
  let left = MAX_COMPARED;
  const isAt = (text: string, at: number, what: string): boolean => {
    left -= what.length;
    return left < 0 || text.startsWith(what, at);
  };
  return {
    isEmpty: byStart.size === 0,
    async find(text) {
      if (byStart.size === 0) return undefined;
      for (let at = 0; at + LEAST <= text.length; at += 1) {
        if (at % STRETCH === 0) await breathe();
        const alike = byStart.get(text.slice(at, at + LEAST));
        const found = alike?.find((needle) => isAt(text, at, needle.first) && isAt(text, at, needle.text));
        if (found) return found.name;
      }
      return undefined;
    },
  };
};

/**
 * The objects, with a mark on those in which a value of a Secret stands. What a template made of it otherwise, a hash, is
 * not found. Rejects with ReasonError where it stands in what is recorded with releases, or in a name.
 */
export const markHolders = async (objects: readonly KubeObject[], secrets: SecretValues): Promise<KubeObject[]> => {
  if (secrets.isEmpty) return [...objects];
  const result: KubeObject[] = [];
  for (const object of objects) {
    const { name, namespace = '' } = object.metadata;
    const named = await secrets.find(`${namespace}/${name}`);
    if (named !== undefined) throw exposed(`the name of a ${object.kind} holds ${named}`);
    const held = await heldBy(object, secrets);
    const marked = held === undefined ? object : asSecretHolder(object);
    if (!marked) {
      const what = `${describeKey(keyOf(object))} would hold ${held}, and is recorded with its releases`;
      throw exposed(`${what}: ${RATHER}; what is not secret belongs into a ConfigMap`);
    }
    result.push(marked);
  }
  return result;
};

/** Texts that a condition shows, such as hooks; one that has the value of a Secret in other words. */
export const shownOf = async (texts: readonly string[], secrets: SecretValues): Promise<string[]> => {
  const shown: string[] = [];
  for (const text of texts) {
    const held = await secrets.find(text);
    shown.push(held === undefined ? text : `one that has ${held} in its name or annotation`);
  }
  return shown;
};

/** The same error; in other words where it says the value of a Secret, such as a name that is none. */
export const withoutSecrets = async (error: unknown, secrets: SecretValues): Promise<unknown> => {
  if (!(error instanceof ReasonError)) return error;
  const held = await secrets.find(error.message);
  if (held === undefined) return error;
  return new ReasonError(error.code, `what the chart makes can't be taken; why would show ${held}`);
};

const exposed = (message: string): ReasonError => new ReasonError('SecretExposed', message);

const heldBy = async (object: KubeObject, secrets: SecretValues): Promise<string | undefined> => {
  for (const text of wordsIn(object)) {
    const held = await secrets.find(text);
    if (held !== undefined) return held;
  }
  return undefined;
};

/** The names of all fields, every text and number. */
function* wordsIn(value: unknown): Generator<string> {
  if (isWord(value)) yield String(value);
  if (typeof value !== 'object' || value === null) return;
  for (const [field, member] of Object.entries(value)) {
    yield field;
    yield* wordsIn(member);
  }
}

const isWord = (value: unknown): boolean => ['string', 'number', 'bigint'].includes(typeof value);

/** Every text and number, with where it stands. */
function* textsIn(value: unknown, path = '', depth = 0): Generator<[path: string, text: string]> {
  if (isWord(value)) yield [path, String(value)];
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return;
  for (const [key, member] of Object.entries(value)) {
    yield* textsIn(member, path === '' ? key : `${path}.${key}`, depth + 1);
  }
}
