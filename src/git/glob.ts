/**
 * Patterns of folders: segments between /, in which `*` stands for any text, and never for a /. As in a shell, a star
 * at the beginning stands for no leading dot. No regular expression: a pattern of many stars must not cost the thread.
 */
export const segmentsOf = (pattern: string): string[] => pattern.split('/').filter((s) => s !== '' && s !== '.');

export const matchesSegment = (segment: string, name: string): boolean => {
  if (name.startsWith('.') && !segment.startsWith('.')) return false;
  const [first = '', ...rest] = segment.split('*');
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of rest) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= name.length - last.length;
};

/** Whether the path has a segment for each of the pattern's, and each matches. */
export const matchesPath = (pattern: string, path: string): boolean => {
  const segments = segmentsOf(pattern);
  const names = path.split('/');
  return segments.length === names.length && segments.every((segment, i) => matchesSegment(segment, names[i] ?? ''));
};
