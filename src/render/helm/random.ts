import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeKey, type KubeObject, keyOf, keyString } from '../../api/meta.ts';
import { ReasonError } from '../../api/reason-error.ts';

/** What gives templates another value at each render: chance, keys and salts, and the time. */
const FUNCTIONS =
  /\b(rand(Alpha|AlphaNum|Numeric|Ascii|Bytes|Int)|gen(CA|SelfSignedCert|SignedCert|PrivateKey)(WithKey)?|uuidv4|shuffle|bcrypt|htpasswd|encryptAES|now|ago)\b/;

/** Files that templates are in, those of charts in charts too, and values, which a chart may take for templates. */
const HAS_TEMPLATES = /(^|\/)(templates\/.*|[^/]*\.tpl|values\.yaml)$/;

/** Whether a chart on disk, or one of these values files, names such a function; a comment that does costs a second render. */
export const mayDiffer = async (chart: string, values: readonly string[]): Promise<boolean> => {
  const entries = await readdir(chart, { recursive: true, withFileTypes: true });
  // What a symlink leads to is not followed here.
  if (entries.some((entry) => entry.isSymbolicLink())) return true;
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => HAS_TEMPLATES.test(path.slice(chart.length)));
  for (const path of [...files, ...values]) if (FUNCTIONS.test(await readFile(path, 'utf8'))) return true;
  return false;
};

const NAMED = 3;

/**
 * The same, where the second one may be none that can be applied: a name is taken twice, or is no name. It differs, then,
 * and why it can't be applied may show a value.
 */
export const differencesIn = async (
  first: readonly KubeObject[],
  second: () => Promise<readonly KubeObject[]>,
): Promise<string[]> => {
  try {
    return differencesOf(first, await second());
  } catch (error) {
    if (!(error instanceof ReasonError)) throw error;
    return ['a name or text with which a second render can’t be applied'];
  }
};

/** Where two renders of the same differ: objects with the names of their fields, and no value. */
export const differencesOf = (first: readonly KubeObject[], second: readonly KubeObject[]): string[] => {
  const others = new Map(second.map((object) => [keyString(keyOf(object)), object]));
  return first
    .flatMap((object) => {
      const key = keyOf(object);
      const other = others.get(keyString(key));
      if (!other) return [`${key.kind} (its name)`];
      const fields = [...differing(object, other)];
      const more = fields.length > NAMED ? ` and ${fields.length - NAMED} more` : '';
      return fields.length === 0 ? [] : [`${describeKey(key)} (${fields.slice(0, NAMED).join(', ')}${more})`];
    })
    .toSorted();
};

const MAX_DEPTH = 100;

function* differing(a: unknown, b: unknown, path = '', depth = 0): Generator<string> {
  if (a === b) return;
  if (!isComposite(a) || !isComposite(b) || Array.isArray(a) !== Array.isArray(b) || depth > MAX_DEPTH) {
    yield path;
    return;
  }
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)]))
    yield* differing(a[name], b[name], path === '' ? name : `${path}.${name}`, depth + 1);
}

const isComposite = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
