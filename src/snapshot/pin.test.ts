import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Release } from '../api/release-history.ts';
import { foreignPin, hasImages, namesContent, pinsFor, unpinnable, withoutPins, withPins } from './pin.ts';

const release = (number: number, image: string, imageID?: string): Release => ({
  number,
  sourceDigest: `v1:${String(number).repeat(64)}`,
  workloadUID: 'u',
  images: [{ container: 'web', image, ...(imageID === undefined ? {} : { imageID }) }],
  firstSeenTime: '2026-01-01T00:00:00Z',
  outcome: 'Active',
});

describe('pinsFor', () => {
  const good = release(1, 'shop:latest', 'example.com/shop@sha256:aa');
  it('pins a tag that was pulled with another content since', () => {
    const pins = pinsFor(good, [release(2, 'shop:latest', 'example.com/shop@sha256:bb'), good]);
    assert.deepEqual(pins, [{ container: 'web', image: 'shop@sha256:aa' }]);
  });
  it('pins in the repository that the release names, however the container runtime reports the image', () => {
    for (const [image, imageID, pinned] of [
      ['localhost:5000/shop:v1', 'docker-pullable://localhost:5000/shop@sha256:aa', 'localhost:5000/shop@sha256:aa'],
      ['localhost:5000/shop', 'mirror.example.com/x/shop@sha256:aa', 'localhost:5000/shop@sha256:aa'],
      ['shop:v1@sha256:cc', 'docker.io/library/shop@sha256:aa', 'shop@sha256:aa'],
    ] as const) {
      const target = release(1, image, imageID);
      const pins = pinsFor(target, [release(2, image, 'example.com/shop@sha256:bb'), target]);
      assert.deepEqual(pins, [{ container: 'web', image: pinned }]);
    }
  });
  for (const [what, other] of [
    ['another tag', release(2, 'shop:v2', 'example.com/shop@sha256:bb')],
    ['the same content', release(2, 'shop:latest', 'example.com/shop@sha256:aa')],
    [
      'the same content, as another node reports it',
      release(2, 'shop:latest', 'docker-pullable://mirror/shop@sha256:aa'),
    ],
    ['a content that nobody recorded', release(2, 'shop:latest')],
  ] as const) {
    it(`leaves the tag as it is after ${what}`, () => assert.deepEqual(pinsFor(good, [other, good]), []));
  }
  it('leaves an image without a repository digest: there is nothing to pull by', () => {
    const loaded = release(1, 'shop:latest', 'sha256:aa');
    assert.deepEqual(pinsFor(loaded, [release(2, 'shop:latest', 'sha256:bb')]), []);
  });
});

describe('withPins', () => {
  const workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      template: {
        spec: {
          containers: [
            { name: 'web', image: 'shop:latest' },
            { name: 'other', image: 'other:v1' },
          ],
        },
      },
    },
  };
  it('replaces the image of the named container in a copy', () => {
    const pinned = withPins(workload, [{ container: 'web', image: 'shop@sha256:aa' }]);
    assert.match(JSON.stringify(pinned), /shop@sha256:aa.*other:v1/);
    assert.match(JSON.stringify(workload), /shop:latest/);
    assert.equal(withPins(workload, undefined), workload);
    assert.equal(withPins(workload, []), workload);
  });
  it('pins an init container, too, and leaves one whose image another tool fills in', () => {
    const injected = {
      spec: { containers: [{ name: 'web' }], initContainers: [{ name: 'migrate', image: 'shop:v1' }] },
    };
    const pins = ['web', 'migrate'].map((container) => ({ container, image: 'shop@sha256:aa' }));
    const pinned = withPins({ ...workload, spec: { template: injected } }, pins);
    assert.deepEqual(pinned.spec, {
      template: {
        spec: { containers: [{ name: 'web' }], initContainers: [{ name: 'migrate', image: 'shop@sha256:aa' }] },
      },
    });
  });
  it('leaves what has no containers as it is', () => {
    for (const { spec, ...rest } of [workload, { ...workload, spec: {} }, { ...workload, spec: { template: {} } }]) {
      const bare = { ...rest, ...(spec === workload.spec ? {} : { spec }) };
      assert.deepEqual(withPins(bare, [{ container: 'web', image: 'shop@sha256:aa' }]), bare);
    }
  });
  it('takes from a pin its digest only: no other repository, no tag', () => {
    const imageWith = (image: string): unknown =>
      (withPins(workload, [{ container: 'web', image }]).spec as typeof workload.spec).template.spec.containers[0]
        ?.image;
    assert.equal(imageWith('evil.example.com/miner@sha256:aa'), 'shop@sha256:aa');
    assert.equal(imageWith('evil.example.com/miner:v1'), 'shop:latest');
    assert.equal(imageWith('shop@sha256:aa/../x'), 'shop:latest');
  });
});

describe('pinsFor a release of several containers', () => {
  it('pins those alone whose tag has moved', () => {
    const images = (web: string) => [
      { container: 'web', image: 'shop:latest', imageID: `shop@sha256:${web}` },
      { container: 'log', image: 'log:v1', imageID: 'log@sha256:ee' },
    ];
    const target = { ...release(1, ''), images: images('aa') };
    const pins = pinsFor(target, [{ ...release(2, ''), images: images('bb') }, target]);
    assert.deepEqual(pins, [{ container: 'web', image: 'shop@sha256:aa' }]);
  });
});

describe('the images that can not be pinned', () => {
  const image = (named: string, imageID?: string): Release['images'][number] => ({
    container: 'web',
    image: named,
    ...(imageID === undefined ? {} : { imageID }),
  });

  it('are those by tag of which the node names no content that could be pulled', () => {
    const loaded = image('shop:v1', 'sha256:aa');
    const others = [
      image('shop:v2', 'example.com/shop@sha256:bb'),
      image('shop@sha256:cc', 'sha256:cc'),
      image('shop:not-started-yet'),
    ];
    assert.deepEqual(unpinnable([loaded, ...others]), [loaded]);
  });
});

describe('a pin that is foreign to a workload', () => {
  const workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      template: {
        spec: {
          initContainers: [{ name: 'migrate', image: 'tools:v1' }],
          containers: [{ name: 'web', image: 'registry:5000/shop:v1' }, { name: 'injected' }],
        },
      },
    },
  };
  const pin = (container: string, image: string) => ({ container, image });

  for (const [what, foreign] of [
    ['of the repository of its container', undefined],
    ['of another repository', pin('web', 'registry:5000/miner@sha256:aa')],
    ['of the same repository in another registry', pin('web', 'evil.example.com/shop@sha256:aa')],
    ['of the repository of another container', pin('web', 'tools@sha256:aa')],
    ['of a container that it does not have', pin('shell', 'registry:5000/shop@sha256:aa')],
    ['of a container whose image another tool fills in', pin('injected', 'registry:5000/shop@sha256:aa')],
  ] as const)
    it(`is ${foreign ? '' : 'not '}one ${what}`, () => {
      const own = [pin('web', 'registry:5000/shop@sha256:aa'), pin('migrate', 'tools@sha256:aa')];
      assert.deepEqual(foreignPin(workload, [...own, ...(foreign ? [foreign] : [])]), foreign);
    });

  it('is each one where the workload has no containers', () => {
    const { spec: _, ...bare } = workload;
    assert.deepEqual(foreignPin(bare, [pin('web', 'shop@sha256:aa')]), pin('web', 'shop@sha256:aa'));
  });
});

describe('an image that names its content', () => {
  for (const [image, expected] of [
    ['shop@sha256:aa', true],
    ['registry:5000/shop:v1@sha256:aa', true],
    ['shop:v1', false],
    ['sha256:aa', false],
    ['shop@sha256:aa/../x', false],
  ] as const)
    it(`is ${expected ? '' : 'not '}${image}`, () => assert.equal(namesContent(image), expected));
});

describe('the images of a pod template', () => {
  const templateWith = (...images: [string, string][]) => ({
    spec: { containers: images.map(([name, image]) => ({ name, image })) },
  });
  const named = [
    { container: 'web', image: 'shop:v1', imageID: 'docker.io/library/shop@sha256:aa' },
    { container: 'log', image: 'log:v1' },
  ];

  it('are those of a release where each container has the image of its name, and there is no other', () => {
    assert.equal(hasImages(templateWith(['web', 'shop:v1'], ['log', 'log:v1']), named), true);
    assert.equal(hasImages(templateWith(['log', 'log:v1'], ['web', 'shop:v1']), named), true);
    assert.equal(hasImages(templateWith(['web', 'shop:v1'], ['log', 'log:v2']), named), false);
    assert.equal(hasImages(templateWith(['web', 'log:v1'], ['log', 'shop:v1']), named), false);
    assert.equal(hasImages(templateWith(['web', 'shop:v1']), named), false);
    assert.equal(hasImages(undefined, named), false);
    assert.equal(hasImages({}, []), true);
  });

  it('are named as the release names them where they are its contents, and stay as they are otherwise', () => {
    const renamed = (...images: [string, string][]) => withoutPins(templateWith(...images), named);
    assert.deepEqual(renamed(['web', 'shop@sha256:aa']), templateWith(['web', 'shop:v1']));
    for (const other of [
      ['web', 'shop@sha256:bb'],
      ['web', 'other@sha256:aa'],
      ['log', 'shop@sha256:aa'],
      ['log', 'log@undefined'],
      ['unknown', 'shop@sha256:aa'],
    ] as [string, string][])
      assert.deepEqual(renamed(other), templateWith(other));
    assert.equal(withoutPins(undefined, named), undefined);
    assert.deepEqual(withoutPins({}, named), {});
  });
});
