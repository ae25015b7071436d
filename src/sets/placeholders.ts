const PLACEHOLDER = /\{\{([^{}]*)\}\}/g;
/** Of one text after substitution: a page of placeholders must not become a gigabyte. */
const MAX_LENGTH = 16_384;

/**
 * Puts the values in place of `{{name}}` in every text of a template, at any depth; keys stay as they are. It is plain
 * substitution: what comes in with a value is not looked at again. Problems are sentences without an end.
 */
export const fill = <T>(template: T, values: ReadonlyMap<string, string>): { filled: T; problems: string[] } => {
  const problems = new Set<string>();
  const replacement = (_: string, inner: string): string => {
    const name = inner.trim();
    const value = values.get(name);
    if (value === undefined) problems.add(`nothing stands for {{${name}}}; there are ${[...values.keys()].join(', ')}`);
    return value ?? '';
  };
  const fillText = (text: string): string => {
    if (text.replace(PLACEHOLDER, '').includes('{{')) problems.add(`a placeholder is not closed in ${shown(text)}`);
    const filled = text.replace(PLACEHOLDER, replacement);
    if (filled.length > MAX_LENGTH) problems.add(`${shown(text)} becomes longer than ${MAX_LENGTH} characters`);
    return filled;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return fillText(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
  };
  return { filled: walk(template) as T, problems: [...problems] };
};

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
