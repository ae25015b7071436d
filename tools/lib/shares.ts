/**
 * Files in so many shares of about the same weight, each in the order of names: the heaviest goes to the lightest share.
 * None is empty.
 */
export const sharesOf = (files: readonly string[], count: number, weightOf: (file: string) => number): string[][] => {
  const shares = Array.from({ length: Math.min(count, files.length) }, () => ({ files: [] as string[], weight: 0 }));
  const heaviestFirst = files
    .map((file) => ({ file, weight: weightOf(file) }))
    .toSorted((a, b) => b.weight - a.weight || (a.file < b.file ? -1 : 1));
  for (const { file, weight } of heaviestFirst) {
    const [lightest] = shares.toSorted((a, b) => a.weight - b.weight);
    if (!lightest) continue;
    lightest.files.push(file);
    lightest.weight += weight;
  }
  return shares.map((share) => share.files.toSorted());
};
