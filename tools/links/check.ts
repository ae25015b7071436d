import { posix } from 'node:path';
import { anchorsOf, type Link, linksOf } from './markdown.ts';

/** The pages to check, by their path in the repository, and what else is there. */
export interface Pages {
  texts: ReadonlyMap<string, string>;
  /** Whether the repository has this file or folder. */
  exists: (path: string) => boolean;
}

/** One line for each link that leads nowhere: where it stands, and what is missing. Links to other hosts are not followed. */
export const brokenLinks = ({ texts, exists }: Pages): string[] => {
  const anchors = new Map([...texts].map(([path, text]) => [path, anchorsOf(text)]));
  const problemOf = (from: string, { target }: Link): string | undefined => {
    const [path = '', anchor = ''] = decodeURIComponent(target).split('#', 2);
    if (path.startsWith('/')) return 'is absolute: write it relative to the page';
    const to = path === '' ? from : posix.join(posix.dirname(from), path);
    if (to.startsWith('..')) return 'leads out of the repository';
    if (path !== '' && !exists(to)) return `does not exist: ${to}`;
    const known = anchors.get(to);
    return anchor === '' || known === undefined || known.has(anchor) ? undefined : `has no heading #${anchor} in ${to}`;
  };
  return [...texts].flatMap(([from, text]) =>
    linksOf(text)
      .filter(({ target }) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
      .flatMap((link) => {
        const problem = problemOf(from, link);
        return problem === undefined ? [] : [`${from}:${link.line}: ${link.target} ${problem}`];
      }),
  );
};
