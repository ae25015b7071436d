import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AT, at, release } from '../../test/support/objects.ts';
import type { ReleaseImage } from '../api/release-history.ts';
import { withUnpinned } from './unpinned.ts';

const NOW = Date.parse(AT);
const CONTENT = `sha256:${'a'.repeat(64)}`;
const image = (imageID: string | undefined, name = 'shop:v1'): ReleaseImage[] => [
  { container: 'web', image: name, ...(imageID === undefined ? {} : { imageID }) },
];
const records = (images: ReleaseImage[], number = 1) => ({
  currentRelease: 1,
  lastGoodRelease: 2,
  releases: [release(number, { images })],
});
const said = (...args: Parameters<typeof records>) => withUnpinned([], records(...args), NOW);

describe('a release whose images no rollback can pin', () => {
  it('is named in a condition of its history, with the container and the ID that the node reports', () => {
    for (const number of [1, 2]) {
      const [condition, ...more] = said(image(CONTENT), number);
      assert.deepEqual(
        [condition?.type, condition?.status, condition?.reason],
        ['ImagesPinned', 'False', 'ImageNotPinned'],
      );
      assert.ok(condition?.message.includes(`release ${number}: shop:v1 of web is ${CONTENT}`), condition?.message);
      assert.equal(more.length, 0);
    }
  });

  it('is none where the node reports a repository digest, the image names one, or nothing is reported yet', () => {
    for (const images of [
      image(`example.com/shop@${CONTENT}`),
      image(CONTENT, `example.com/shop@${CONTENT}`),
      image(undefined),
    ])
      assert.deepEqual(said(images), []);
    assert.deepEqual(said(image(CONTENT), 3), [], 'neither current nor the last good one');
  });

  it('keeps the time since when it is so, and goes with it', () => {
    const before = withUnpinned([], records(image(CONTENT)), NOW);
    const later = Date.parse(at(60));
    assert.deepEqual(withUnpinned(before, records(image(CONTENT)), later), before);
    assert.deepEqual(withUnpinned(before, records(image(undefined)), later), []);
  });
});
