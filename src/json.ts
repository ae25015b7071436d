/**
 * JSON with whole numbers as Kubernetes has them. A JavaScript number holds integers up to 2^53; int64 and uint64 go
 * further, and what lies beyond is a bigint here. Floats are numbers, as they are in Go.
 */

declare global {
  interface JSON {
    /** ECMAScript 2026; Node has it, TypeScript's library does not say so yet. */
    rawJSON(text: string): unknown;
  }
}

const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 64n - 1n;

/**
 * An integer, from its decimal digits: a number where that is written with the same digits again, else a bigint. What no
 * 64 bits hold is a float.
 */
export const integer = (digits: string): number | bigint => {
  const value = Number(digits);
  if (Number.isSafeInteger(value) || String(value) === digits) return value;
  const exact = BigInt(digits);
  return exact >= LEAST && exact <= GREATEST ? exact : value;
};

/** What a number must look like that no JavaScript number may hold; also true of some texts, which costs time only. */
const LONG_INTEGER = /(?:^|[:[,\s])-?[1-9][0-9]{15}/;
const DIGITS = /^-?[0-9]+$/;

/** The value of a JSON text. Throws SyntaxError. */
export const readJson = (text: string): unknown =>
  LONG_INTEGER.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);

const exactly = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && DIGITS.test(context?.source ?? '')
    ? integer(context?.source ?? '')
    : value;

/** The JSON text of a value, in which bigints are numbers. */
export const writeJson = (value: unknown, indent?: number): string => {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    // A replacer for all would make each text three times as slow.
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, digits, indent);
  }
};

const digits = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? JSON.rawJSON(value.toString()) : value;
