import { Script } from 'node:vm';
import { AlertmanagerError } from './error.ts';
import { regexOf } from './regex.ts';

/** What a silence asks of a label, as Alertmanager's API has it. */
export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  /** `=` and `=~`; otherwise `!=` and `!~`. */
  isEqual: boolean;
}

export type Labels = Readonly<Record<string, string>>;

/**
 * Whether all matchers of a silence match the labels of an alert. A label that an alert does not have is empty. Throws
 * AlertmanagerError where a regular expression can't be evaluated here; those come last, for most silences are of others.
 */
export const matchesAll = (matchers: readonly Matcher[], labels: Labels): boolean =>
  matchers.filter(({ isRegex }) => !isRegex).every((matcher) => matches(matcher, labels)) &&
  matchers.filter(({ isRegex }) => isRegex).every((matcher) => matches(matcher, labels));

const matches = ({ name, value, isRegex, isEqual }: Matcher, labels: Labels): boolean => {
  const label = labels[name] ?? '';
  return (isRegex ? isMatch(value, label) : value === label) === isEqual;
};

/** Letters, digits and what names are made of: nothing that means anything in a regular expression. */
const LITERAL = /^[\w\s:/-]*$/;

const isMatch = (pattern: string, text: string): boolean =>
  LITERAL.test(pattern) ? pattern === text : test(regexOf(pattern), text);

/** RE2 takes time in proportion to the text; a regular expression of JavaScript may take for ever. A busy node takes 50. */
const TIMEOUT_MS = 250;
const TEST = new Script('pattern.test(text)');

const test = (pattern: RegExp, text: string): boolean => {
  try {
    return TEST.runInNewContext({ pattern, text }, { timeout: TIMEOUT_MS }) === true;
  } catch (cause) {
    throw new AlertmanagerError(`the matcher ${pattern.source} takes more than ${TIMEOUT_MS} ms`, { cause });
  }
};
