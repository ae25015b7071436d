import assert from 'node:assert/strict';
import { dump } from 'js-yaml';
import { describe, it } from 'mocha';
import { writeYaml } from './yaml.ts';

describe('YAML for people', () => {
  it('has integers of 64 bits in full', () =>
    assert.equal(
      writeYaml({ id: 9223372036854775807n, text: '9223372036854775807' }),
      "id: 9223372036854775807\ntext: '9223372036854775807'\n",
    ));

  it('is what it was for everything else', () => {
    const value = { a: [1, -1, 1.5, 1e21, 0, true, null, 'yes', '017', '0o17', '1e3', ''], b: { c: {} } };
    assert.equal(writeYaml(value), dump(value, { noRefs: true }));
  });
});
