import { load } from 'js-yaml';
import { KUBECTL_SCHEMA } from './schema.ts';

/** What is longer is text: nobody writes a number or a list of this length into a variable. */
const MAX_LENGTH = 4096;
const NULL = /^(null|Null|NULL|~)$/;

/**
 * What a text that is nothing but variables means, as if it stood in the manifest without quotes: `3` is a number, `true`
 * a boolean, `[a, b]` a list, `"3"` a text, and an empty one no field at all (undefined). All else stays the text that
 * it is.
 * @param isText where Kubernetes wants a text: then only quotes are taken off
 */
export const reread = (text: string, isText: boolean): unknown => {
  if (text === '') return isText ? '' : undefined;
  if (text.length > MAX_LENGTH || text.includes('\n')) return text;
  const value = parsed(text);
  if (typeof value === 'string') return /^["']/.test(text) ? value : text;
  if (isText || value instanceof Error) return text;
  // A comment is nothing, too: `#fff` is a colour.
  if (value === null || value === undefined) return NULL.test(text) ? undefined : text;
  return typeof value !== 'object' || /^[[{]/.test(text) ? value : text;
};

const parsed = (text: string): unknown => {
  try {
    return load(text, { schema: KUBECTL_SCHEMA, json: true, maxAliases: 0, maxDepth: 10 });
  } catch (error) {
    return error; // no YAML: then it is text
  }
};
