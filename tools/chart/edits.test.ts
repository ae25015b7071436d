import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { templateOf } from './edits.ts';

describe('a template of the chart', () => {
  const manifest = 'metadata:\n  namespace: metricops-system\nspec:\n  replicas: 2\n  text: "{{name}}"\n';
  const template = (find: string | RegExp): string =>
    templateOf('deploy/it.yaml', manifest, 'metricops-system', [[find, '  replicas: {{ .Values.replicas }}\n']]);

  it('has values in the place of what they may change, and braces of the manifest as text', () => {
    assert.equal(
      template('  replicas: 2\n'),
      'metadata:\n  namespace: {{ .Values.namespace.name }}\nspec:\n  replicas: {{ .Values.replicas }}\n  text: "{{ "{{" }}name}}"\n',
    );
  });

  it('takes the figure of the manifest for what it is, whatever it is', () => {
    assert.equal(template(/^ {2}replicas: \d+\n/m), template('  replicas: 2\n'));
    assert.throws(() => template(/^ {2}\w+: .*\n/m), /has 3 times/);
  });

  it('is not made of a manifest that changed its form: the text that is looked for has to be there once', () => {
    assert.throws(
      () => template('  replicas: 1\n'),
      /deploy\/it.yaml has 0 times .* change tools\/chart\/templates.ts:\n {2}replicas: 1/,
    );
    assert.throws(() => template('me'), /has 4 times/);
  });
});
