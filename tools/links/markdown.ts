/** A link of a page, as it is written. */
export interface Link {
  /** From 1. */
  line: number;
  target: string;
}

/** Links, images and references to them, without those in code. */
export const linksOf = (text: string): Link[] =>
  withoutCode(text)
    .split('\n')
    .flatMap((row, i) =>
      [...row.matchAll(/\]\(<?([^)\s>]+)>?[^)]*\)|^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)/g)].map(([, inline, reference]) => ({
        line: i + 1,
        target: inline ?? reference ?? '',
      })),
    );

/** The anchors of a page: those that GitHub gives its headings, and `<a id="...">`. */
export const anchorsOf = (text: string): Set<string> => {
  const plain = withoutBlocks(text);
  const anchors = new Set([...plain.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id = '']) => id));
  const seen = new Map<string, number>();
  for (const [, heading = ''] of plain.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = slugOf(heading);
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
};

/** As GitHub makes it: lower case, without punctuation, `-` for each blank. */
const slugOf = (heading: string): string =>
  heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');

/** Code becomes blanks, so that the lines stay where they are. */
const withoutCode = (text: string): string =>
  withoutBlocks(text).replaceAll(/(`+)[^`\n]+\1/g, (span) => ' '.repeat(span.length));

const withoutBlocks = (text: string): string =>
  text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, (block) => block.replaceAll(/[^\n]/g, ' '));
