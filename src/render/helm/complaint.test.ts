import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { complaintIn, withoutValues } from './complaint.ts';

describe('a complaint of Helm', () => {
  for (const [what, stderr, words] of [
    [
      'is its error, without warnings and advice',
      'WARNING: something\nError: YAML parse error on web/templates/a.yaml: line 3\n\nUse --debug flag to render out invalid YAML\n',
      'YAML parse error on web/templates/a.yaml: line 3',
    ],
    [
      'may have several lines',
      "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nweb:\n- at '/replicas': got string, want integer\n\n",
      "values don't meet the specifications of the schema(s) in the following chart(s):; web:; - at '/replicas': got string, want integer",
    ],
    [
      'says what to do about charts that are missing',
      'Error: An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: postgresql, redis\n',
      'Chart.yaml names charts that charts/ does not have: postgresql, redis; run `helm dependency build` and commit charts/',
    ],
    [
      'that is no error is shown as it is',
      'fatal error: all goroutines are asleep',
      'fatal error: all goroutines are asleep',
    ],
  ] as const)
    it(what, () => assert.equal(complaintIn(stderr), words));

  it('keeps its end, which says what went wrong', () => {
    const nested = 'error calling include: '.repeat(1000);
    const words = complaintIn(`Error: template: web: ${nested}rendering template has a nested reference name: a`);
    assert.match(words, /^template: web: error calling .*… .* rendering template has a nested reference name: a$/);
    assert.ok(words.length < 1000);
  });

  it('shows the place only, where values of a Secret were given', () => {
    const why = 'failed: execution error at (web/templates/secret.yaml:3:4): hunter2';
    assert.match(withoutValues(why), /^failed at web\/templates\/secret.yaml:3:4; .* is not shown$/);
    assert.doesNotMatch(withoutValues('failed: hunter2'), /hunter2/);
  });
});
