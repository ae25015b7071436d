import { brokenLinks } from './check.ts';
import { pagesOfRepository } from './repository.ts';

// `npm run check`: links between the pages, and to files and headings of the repository. Offline: no host is asked.

const pages = pagesOfRepository();
const problems = brokenLinks(pages);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`links: ${pages.texts.size} pages, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
