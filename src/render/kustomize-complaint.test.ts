import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { complaintIn, complaintOfBuild } from './kustomize-complaint.ts';

describe('what kustomize says of a patch', () => {
  const cases: [says: string, words: string][] = [
    ['Error: add operation does not apply: no /a\n', 'add operation does not apply: no /a'],
    [
      'Error: trouble configuring builtin PatchTransformer with config: `\npatch: |\n  a: `b`: c\n`: unable to parse SM or JSON patch from [patch: "a: hunter2"]\n',
      'unable to parse SM or JSON patch',
    ],
    ['# Warning: old\nError: wrong node kind: node contents:\na: b\n', 'wrong node kind: node contents:; a: b'],
    ['Error: must specify a target for JSON patch [patch: "- op: add\\n"]', 'must specify a target for JSON patch'],
    [
      'Error: map[string]interface {}{"a":map[string]interface {}{"b":"hunter2"}}: yaml: control characters',
      'yaml: control characters',
    ],
    ['panic: no error', 'panic: no error'],
  ];
  for (const [says, words] of cases)
    it(`is shown without the patch: ${words}`, () => assert.equal(complaintIn(says), words));
});

describe('what kustomize says of a folder', () => {
  const cases: [says: string, words: string][] = [
    [
      'Error: loading KV pairs: literal sources [a=b hunter2, expected]: invalid literal source hunter2, expected, expected key=value\n',
      'loading KV pairs: literal sources: invalid literal source, expected key=value',
    ],
    [
      'Error: loading KV pairs: env source files: [a.env]: line [104 117 110 255] has invalid utf8 bytes : hunter2?\n',
      'loading KV pairs: env source files: [a.env]: a line has invalid utf8 bytes',
    ],
    [
      "Error: accumulating resources: accumulation err='accumulating resources from 'a.yaml': no such file'\n",
      "accumulating resources: accumulation err='accumulating resources from 'a.yaml': no such file'",
    ],
    [
      'Error: wrong node kind: expected MappingNode but got ScalarNode: node contents:\nhunter2\n',
      'wrong node kind: expected MappingNode but got ScalarNode: node contents',
    ],
  ];
  for (const [says, words] of cases)
    it(`is shown without what it quotes: ${words}`, () => assert.equal(complaintOfBuild(says), words));
});
