import { ExpressionError, groupingsOf, type Place, placesOf } from './promql.ts';

export interface Selectors {
  /**
   * The expression with one more matcher, `label=~pattern`, in each of its vector selectors; `$window` may still stand
   * in it. Throws ExpressionError where it can't be read whole or reads no metric: it is never left as it was.
   */
  restrict(expression: string, label: string, pattern: string): string;
  /**
   * The same expression for each value of a label: each `sum` in it keeps the label. Throws ExpressionError where the
   * values would not add up to what the expression says of all.
   */
  split(expression: string, label: string): string;
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
      const matcher = `${written(label)}=~${JSON.stringify(pattern)}`;
      return insert(
        expression,
        placesIn(expression).map(({ at, form }) => ({ at, text: FORMS[form](matcher) })),
      );
    },
    // Seldom asked: before a release is found Guilty.
    split(expression, label) {
      const name = written(label);
      return `sum by (${name}) (${insert(expression, groupingsOf(expression, name))}\n)`;
    },
  };
};

const insert = (expression: string, insertions: readonly { at: number; text: string }[]): string => {
  let text = '';
  let from = 0;
  for (const { at, text: added } of insertions) {
    text += expression.slice(from, at) + added;
    from = at;
  }
  return text + expression.slice(from);
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

/** A label as it stands in an expression. */
export const written = (label: string): string =>
  /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : JSON.stringify(label);
