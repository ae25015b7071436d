/** What `${NAME}` stands for. */
export interface Variable {
  value: string;
  /** It comes from a Secret: so is every text that it is written into. */
  isSecret: boolean;
}

export interface Expanded {
  text: string;
  /** There is nothing beside expressions in it: `${REPLICAS}`, and not `v${MAJOR}`. */
  isWhole: boolean;
  /** The value of a Secret is in it. */
  isSecret: boolean;
}

export interface ExpandPorts {
  variables: ReadonlyMap<string, Variable>;
  /** Counts characters before they are read or made; throws when they are too many. */
  spend(characters: number): void;
  /** Throws: what is wrong, in words, and with which variable. */
  fail(what: string, name?: string): never;
}

const MAX_NESTING = 16;
const NAME = /[_a-zA-Z][_a-zA-Z0-9]*/y;

/**
 * The text with every `${NAME}` replaced, in the syntax of Flux: `${NAME:=default}`, `${NAME:-default}` and
 * `${NAME=default}` where it is not set or empty; `${NAME:position:length}`; `${NAME/what/by}`, `//` for all of them, `/#`
 * at the beginning and `/%` at the end; `${NAME^^}`, `${NAME,,}`, `^` and `,` for the first character; `${#NAME}` for its
 * length in bytes. `$${NAME}` is the text `${NAME}`, and `$NAME` is no expression. A variable that is not set and has no
 * default is an error: an empty text in its place would be applied.
 */
export const expand = (text: string, { variables, spend, fail }: ExpandPorts): Expanded => {
  let at = 0;
  let isSecret = false;

  /** How many backslashes are here: one or two, for Flux takes both. */
  const escaped = (from: number): number => (text[from + 1] === '\\' ? 2 : 1);

  /** Up to one of these characters, which is not taken; a backslash before one makes it part of the text. */
  const until = (ends: string, nesting: number): string => {
    let out = '';
    for (; at < text.length; at += 1) {
      const char = text[at] ?? '';
      if (text.startsWith('$${', at)) {
        out += '${';
        at += 2;
      } else if (text.startsWith('${', at)) {
        at += 2;
        out += expression(nesting + 1);
        at -= 1;
      } else if (char === '\\' && ends.includes(text[at + escaped(at)] ?? ' ')) {
        at += escaped(at);
        out += text[at];
      } else if (ends.includes(char)) return out;
      else out += char;
    }
    return fail('an expression has no closing brace');
  };

  /** Takes the sign, where it is the next one. */
  const takes = (sign: string): boolean => {
    if (text[at] !== sign) return false;
    at += 1;
    return true;
  };

  const lookUp = (name: string): string => {
    const variable = variables.get(name);
    if (!variable) return fail('no variable has this name, and there is no default', name);
    if (variable.isSecret) isSecret = true;
    // What it is made into may be nothing: a length, or a text without most of it.
    spend(variable.value.length);
    return variable.value;
  };

  /** Behind `${`; ends behind its brace. */
  const expression = (nesting: number): string => {
    if (nesting > MAX_NESTING) fail(`expressions nest deeper than ${MAX_NESTING}`);
    const isLength = text[at] === '#';
    if (isLength) at += 1;
    NAME.lastIndex = at;
    const name = NAME.exec(text)?.[0];
    if (name === undefined) return fail('an expression begins with no name of a variable');
    at += name.length;
    const result = isLength ? lengthOf(name) : operated(name, nesting);
    if (!takes('}')) fail('the expression is not one that is known', name);
    return result;
  };

  const lengthOf = (name: string): string => {
    if (text[at] !== '}') fail('the expression is not one that is known', name);
    return String(Buffer.byteLength(lookUp(name)));
  };

  const operated = (name: string, nesting: number): string => {
    const operator = OPERATORS.find((each) => text.startsWith(each, at)) ?? '';
    at += operator.length;
    if (DEFAULTS.has(operator)) {
      const fallback = until('}', nesting);
      return (variables.has(name) && lookUp(name)) || fallback;
    }
    if (operator === '' && text[at] !== '}') fail('the expression is not one that is known', name);
    const value = lookUp(name);
    if (operator === '') return value;
    if (operator === ':') return part(value, name, nesting);
    if (operator.startsWith('/')) return replaced(value, operator, nesting);
    const changed = operator[0] === '^' ? value.toUpperCase() : value.toLowerCase();
    return operator.length === 2 ? changed : changed.slice(0, 1) + value.slice(1);
  };

  const part = (value: string, name: string, nesting: number): string => {
    const from = until(':}', nesting);
    const count = takes(':') ? until('}', nesting) : undefined;
    if (!/^ *-?\d+$/.test(from) || (count !== undefined && !/^\d+$/.test(count)))
      fail('position and length are whole numbers', name);
    const start = Number(from) < 0 ? Math.max(0, value.length + Number(from)) : Number(from);
    return value.slice(start, count === undefined ? undefined : start + Number(count));
  };

  const replaced = (value: string, operator: string, nesting: number): string => {
    const what = until('/}', nesting);
    const by = takes('/') ? until('}', nesting) : '';
    if (operator === '/#') return value.startsWith(what) ? by + value.slice(what.length) : value;
    if (operator === '/%') return value.endsWith(what) ? value.slice(0, value.length - what.length) + by : value;
    if (what === '') return value;
    // All of it may be compared at each place.
    if (what.length > 1) spend(value.length * what.length);
    if (operator === '/') return value.replace(what, () => by);
    const pieces = value.split(what);
    spend((pieces.length - 1) * by.length);
    return pieces.join(by);
  };

  let out = '';
  let isWhole = true;
  for (;;) {
    const next = text.indexOf('${', at);
    const literal = next < 0 ? text.slice(at) : text.slice(at, next);
    if (literal !== '') isWhole = false;
    if (next < 0) return { text: out + literal, isWhole, isSecret };
    at = next + 2;
    if (literal.endsWith('$')) out += `${literal}{`;
    else out += literal + expression(1);
  }
};

const DEFAULTS: ReadonlySet<string> = new Set([':=', ':-', '=']);
/** The longer one of two that begin alike comes first. */
const OPERATORS = [...DEFAULTS, ':', '//', '/#', '/%', '/', '^^', '^', ',,', ','];
