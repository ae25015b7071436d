import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { glossary, isUsed } from './glossary.ts';
import { findings } from './scan.ts';
import { commandsIn, helpTexts, literals, literalsOf, manifests, pages, type Text } from './texts.ts';

const one = (text: string): Text[] => [{ file: 'a.md', line: 7, text }];

describe('texts that people read have the words of the field', () => {
  const none = (texts: readonly Text[], atLeast: number): void => {
    assert.ok(texts.length > atLeast, `only ${texts.length} texts were read`);
    assert.equal(findings(texts).join('\n'), '');
  };

  it('README, documents and titles of decisions', () => none(pages(), 1000));
  it('manifests and alert rules', () => none(manifests(), 500));
  it('messages, logs, Events, reasons and descriptions of fields', () => none(literals(), 1000));
  it('the help of every command', async () => none(await helpTexts(), 15));
});

describe('a banned word', () => {
  it('is reported with file, line and the term to use', () => {
    assert.deepEqual(findings(one('It was put right.')), [
      'a.md:7: "put right" → restore, correct, revert to Git: It was put right.',
    ]);
  });

  it('is found in any case, and with words between', () => {
    for (const text of ['Puts the label right', 'takes a bad release back', 'A time-out', 'nobody is TOLD'])
      assert.equal(findings(one(text)).length, 1, text);
  });

  it('is not a part of another word, nor a term of RBAC', () => {
    for (const text of ['strings and stellar intellect', 'the planet', 'has neither escalate nor bind'])
      assert.deepEqual(findings(one(text)), [], text);
  });
});

describe('the literals of a program', () => {
  const read = (source: string): string[] => literalsOf('a.ts', source).map(({ line, text }) => `${line} ${text}`);

  it('are read with their lines, also around the values of a template', () => {
    assert.deepEqual(read(`// no comment\nlog('two words');\nsay(\`\${name} is told\`);`), [
      '2 two words',
      '3 … is told',
    ]);
  });

  it('are not names, nor code that a message quotes', () => {
    assert.deepEqual(read("import 'told'; const told = { told: 'told' }; say('run `told it` now');"), [
      `1 run ${' '.repeat('`told it`'.length)} now`,
    ]);
  });
});

describe('the commands of an overview', () => {
  it('are those that it lists', () => {
    const overview =
      '  -h, --help\nSee:\n  status     one page\n  diff <gitsync>  what differs\n  help [command]  help\n';
    assert.deepEqual(commandsIn(overview), ['status', 'diff']);
  });
});

describe('docs/glossary.md', () => {
  it('explains words that README or reference use, in order, each once', () => {
    const terms = glossary();
    assert.ok(terms.length > 15);
    assert.deepEqual(
      terms.filter((term) => !isUsed(term)),
      [],
    );
    assert.deepEqual(
      terms,
      [...new Set(terms)].toSorted((a, b) => a.localeCompare(b)),
    );
  });
});
