import { ExpressionError, type Place, placesOf } from './promql.ts';

export interface Selectors {
  /**
   * The expression with one more matcher, `label=~pattern`, in each of its vector selectors; `$window` may still stand
   * in it. Throws ExpressionError where it can't be read whole or reads no metric: it is never left as it was.
   */
  restrict(expression: string, label: string, pattern: string): string;
}

const REMEMBERED = 256;

/** Reads expressions by Prometheus' own grammar, each once: where the matcher goes is remembered. */
export const createSelectors = (): Selectors => {
  const known = new Map<string, readonly Place[] | ExpressionError>();
  const placesIn = (expression: string): readonly Place[] => {
    const found = known.get(expression) ?? tryToRead(expression);
    known.delete(expression);
    known.set(expression, found); // the one used longest ago is first
    const [oldest] = known.keys();
    if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
    if (found instanceof ExpressionError) throw found;
    return found;
  };
  return {
    restrict(expression, label, pattern) {
      const matcher = `${isPlain(label) ? label : JSON.stringify(label)}=~${JSON.stringify(pattern)}`;
      let text = '';
      let from = 0;
      for (const { at, form } of placesIn(expression)) {
        text += expression.slice(from, at) + FORMS[form](matcher);
        from = at;
      }
      return text + expression.slice(from);
    },
  };
};

const tryToRead = (expression: string): readonly Place[] | ExpressionError => {
  try {
    return placesOf(expression);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
};

const FORMS: Record<Place['form'], (matcher: string) => string> = {
  alone: (matcher) => `{${matcher}}`,
  first: (matcher) => `${matcher},`,
  only: (matcher) => matcher,
};

const isPlain = (label: string): boolean => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label);
