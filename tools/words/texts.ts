import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { manifestsOf } from '../../src/cli/manifests.ts';
import { run } from '../../src/cli/program.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** A piece of prose that people read, and where it stands. */
export interface Text {
  /** Relative to the root of the repository; of a help text, the command. */
  file: string;
  /** From 1. */
  line: number;
  text: string;
}

/** README, SECURITY.md and every page under docs/, line by line, without code. */
export const pages = (): Text[] =>
  ['README.md', 'SECURITY.md', 'src/README.md', ...globSync('docs/**/*.md', { cwd: ROOT })].flatMap((file) =>
    linesOf(file, withoutCode(read(file))),
  );

/** Manifests that are installed: their comments and, of the alert rules, everything. Descriptions in CRDs come from src/api. */
export const manifests = (): Text[] =>
  globSync('deploy/**/*.yaml', { cwd: ROOT, exclude: ['deploy/crds/**'] }).flatMap((file) =>
    linesOf(file, read(file)).map((line) =>
      file.includes('monitoring') ? line : { ...line, text: /(?:^|\s)#\s(.*)$/.exec(line.text)?.[1] ?? '' },
    ),
  );

/**
 * Literals of the programs that are more than one word: messages of conditions and Events, log messages, errors, the
 * catalogue of reasons, descriptions of fields. What stands for a value in a template is left out.
 */
export const literals = (): Text[] =>
  globSync('{src,webhook,sidecar,tools/demo}/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] }).flatMap((file) =>
    literalsOf(file, read(file)),
  );

export const literalsOf = (file: string, source: string): Text[] => {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Text[] = [];
  const visit = (node: ts.Node): void => {
    const text = proseOf(node);
    if (text !== undefined && /\S\s+\S/.test(text)) {
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
      found.push({ file, line: line + 1, text: withoutCode(text) });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
};

const proseOf = (node: ts.Node): string | undefined => {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…');
};

/** What `metricops --help` and `metricops COMMAND --help` print, each as one text: the lines are wrapped anywhere. */
export const helpTexts = async (): Promise<Text[]> => {
  const commands = commandsIn(await help([])).map((name) => [name]);
  return Promise.all(
    [[], ...commands].map(async (argv) => ({
      file: ['metricops', ...argv, '--help'].join(' '),
      line: 1,
      text: (await help(argv)).replaceAll(/\s+/g, ' '),
    })),
  );
};

/** Names of the commands that the overview lists. */
export const commandsIn = (overview: string): string[] =>
  [...overview.matchAll(/^ {2}([a-z-]+)(?: [[<]| {2,})/gm)]
    .map(([, name = '']) => name)
    .filter(
      // The demo prints the help of a program of its own, whose literals are read with the others.
      (name) => name !== 'help' && name !== 'demo',
    );

const help = async (argv: readonly string[]): Promise<string> => {
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const refuse = async (): Promise<never> => {
    throw new Error('a help text needs no cluster');
  };
  const io = { out: print, err: print, input: refuse, connect: refuse, now: () => 0, sleep: refuse };
  await run([...argv, '--help'], { ...io, manifests: () => manifestsOf(ROOT), name: 'metricops', version: 'test' });
  return printed.join('\n');
};

const linesOf = (file: string, text: string): Text[] =>
  text.split('\n').map((line, i) => ({ file, line: i + 1, text: line }));

/** Code keeps its names: blocks and spans of it become blanks, so that the lines stay where they are. */
const withoutCode = (text: string): string =>
  text
    .replaceAll(/^( *)```[\s\S]*?^\1```/gm, (block) => block.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/`[^`\n]+`/g, (span) => ' '.repeat(span.length))
    .replaceAll(/\]\([^)\s]+\)/g, ']');
