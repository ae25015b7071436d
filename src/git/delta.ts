import { damaged } from './errors.ts';

/** A delta starts with two sizes: that of its base, and that of what it makes. */
export const deltaSizes = (delta: Buffer): { base: number; result: number; length: number } => {
  let at = 0;
  const size = (): number => {
    let value = 0;
    for (let scale = 1, byte = 128; byte & 128; scale *= 128) {
      const next = delta[at++];
      if (next === undefined || at > 20) throw damaged('a delta is cut off');
      byte = next;
      value += (byte & 127) * scale;
    }
    return value;
  };
  const base = size();
  return { base, result: size(), length: at };
};

/**
 * What a delta makes of its base: a row of copies from the base and insertions. Takes memory for the result alone, whose
 * size the caller has checked. Throws RepositoryDamaged.
 */
export const applyDelta = (base: Buffer, delta: Buffer): Buffer => {
  const sizes = deltaSizes(delta);
  if (sizes.base !== base.length) throw damaged('a delta belongs to another base');
  const result = Buffer.allocUnsafe(sizes.result);
  let at = sizes.length;
  let made = 0;
  const put = (from: Buffer, start: number, length: number): void => {
    if (start + length > from.length || made + length > result.length) throw damaged('a delta reaches too far');
    from.copy(result, made, start, start + length);
    made += length;
  };
  /** A number of which only the bytes that a bit stands for are there. */
  const number = (bits: number, bytes: number): number => {
    let value = 0;
    for (let i = 0; i < bytes; i++) if (bits & (1 << i)) value += (delta[at++] ?? 0) * 2 ** (8 * i);
    return value;
  };
  while (at < delta.length) {
    const command = delta[at++] ?? 0;
    if (command === 0) throw damaged('a delta has an unknown command');
    if (command < 128) {
      put(delta, at, command);
      at += command;
    } else {
      const start = number(command, 4);
      put(base, start, number((command >> 4) & 7, 3) || 65_536);
    }
  }
  if (made !== result.length) throw damaged('a delta makes less than it says');
  return result;
};
