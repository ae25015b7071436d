import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { catalogueOf } from '../catalogue.ts';
import { commandLine } from '../command-line.ts';
import type { CliIo } from '../io.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { grammarOf } from './grammar.ts';
import { zshScript } from './zsh.ts';

const refuse = async (): Promise<never> => {
  throw new Error('completion needs no cluster');
};
const io: CliIo = {
  out: () => {},
  err: () => {},
  input: refuse,
  connect: refuse,
  now: () => 0,
  sleep: refuse,
  manifests: () => assert.fail('no manifests are needed'),
  name: 'metricops',
  version: 'test',
};
const entries = catalogueOf(commandLine([], io, { code: 0, failure: 1 }));
const grammar = grammarOf(entries);

/** What bash offers for the last of the words, as readline divides them. */
const offered = (...words: string[]): string[] => {
  const typed = words.map((word) => `'${word}'`).join(' ');
  const script = `${bashScript(grammar)}
COMP_WORDS=(metricops ${typed}); COMP_CWORD=${words.length}
_metricops; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-uc', script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
};

describe('completion in bash', () => {
  it('offers the commands, and those that begin as typed', () => {
    assert.deepEqual(
      offered(''),
      entries.filter(({ words }) => words.length === 1).map(({ words }) => words[0]),
    );
    assert.deepEqual(offered('s'), ['status', 'sync', 'suspend', 'slo']);
    assert.deepEqual(offered('-n', 'shop', 'roll'), ['rollback']);
  });

  it('offers the commands of a command, and the values of an argument', () => {
    assert.deepEqual(offered('slo', ''), ['rules']);
    assert.deepEqual(offered('completion', ''), ['bash', 'zsh', 'fish']);
    assert.deepEqual(offered('history', ''), []);
  });

  it('offers the options of the command, and those of all commands', () => {
    assert.deepEqual(offered('rollback', 'deploy/web', '--d'), ['--dry-run']);
    assert.deepEqual(offered('slo', 'rules', '--f'), ['--file', '--format']);
    assert.deepEqual(offered('--namespace=shop', 'status', '--e'), ['--exit-code']);
    assert.ok(offered('holds', '-').includes('--all-namespaces'));
    assert.ok(!offered('holds', '-').includes('--dry-run'));
  });

  it('offers the values of an option, also behind "="', () => {
    assert.deepEqual(offered('status', '-o', ''), ['json', 'yaml']);
    assert.deepEqual(offered('status', '--output', '=', 'y'), ['yaml']);
    assert.deepEqual(offered('status', '--output', '='), ['json', 'yaml']);
    assert.deepEqual(offered('slo', 'rules', '--format', 'p'), ['prometheusrule', 'plain']);
  });

  it('takes the value of an option for no command', () => {
    assert.deepEqual(offered('-n', 'slo', 'sta'), ['status']);
    assert.deepEqual(offered('--namespace', '=', 'slo', 'sta'), ['status']);
    assert.deepEqual(offered('status', '--namespace', ''), []);
  });
});

describe('the completion scripts', () => {
  it('can take each option for the same everywhere: it has a value in all commands, or in none', () => {
    const valued = new Set(grammar.valued.flatMap(({ flags }) => flags));
    const other = grammar.places
      .flatMap(({ options }) => options)
      .filter(({ value }) => value === undefined)
      .flatMap(({ flags }) => flags);
    assert.deepEqual(
      other.filter((flag) => valued.has(flag)),
      [],
    );
    assert.equal(valued.size, grammar.valued.flatMap(({ flags }) => flags).length);
  });

  for (const [shell, script, flag] of [
    ['bash', bashScript, (name: string) => name],
    ['zsh', zshScript, (name: string) => `'${name}:`],
    ['fish', fishScript, (name: string) => (name.startsWith('--') ? `-l ${name.slice(2)} ` : `-s ${name.slice(1)} `)],
  ] as const) {
    it(`have every command and option: ${shell}`, () => {
      const text = script(grammar);
      for (const { words, options } of entries) {
        for (const word of words) assert.ok(text.includes(word), word);
        for (const name of options.flatMap(({ flags }) => flags)) assert.ok(text.includes(flag(name)), name);
      }
    });
  }
});
