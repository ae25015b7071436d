import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { KubeObject } from '../api/meta.ts';
import { canonical } from './canonical.ts';
import { digestsOf, liveDigest } from './digest.ts';

const key = Buffer.from('0123456789abcdef0123456789abcdef');
const web = (change: (template: { spec: object; metadata: object }) => void = () => {}): KubeObject => {
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: {
      containers: [{ name: 'web', image: 'shop:v1', envFrom: [{ configMapRef: { name: 'settings' } }] }],
      volumes: [
        { name: 'tls', secret: { secretName: 'tls' } },
        { name: 'all', projected: { sources: [{ secret: { name: 'extra' } }] } },
      ],
    },
  };
  change(template);
  const metadata = { name: 'web', namespace: 'shop' };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { replicas: 2, template } };
};
const config = (kind: string, name: string, data: Record<string, string>, namespace = 'shop'): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace },
  data,
});
const settings = config('ConfigMap', 'settings', { failRatio: '0' });
const tls = config('Secret', 'tls', { key: 'c2VjcmV0' });

describe('digestsOf', () => {
  it('keeps its golden vectors: a change of these numbers would make every release look new', () => {
    const digests = digestsOf(web(), [settings, tls], key);
    assert.equal(digests.sourceDigest, 'v1:f0930c91c4712463527db4ed748a6e3fd199e34ac0ee66517293bad263a69760');
    assert.equal(
      liveDigest({ metadata: {}, spec: { containers: [] } }),
      'live1:65e3976557c447a646b37bebc29cb4032ce021016dafa7d009eb96ce220cf489',
    );
  });

  it('changes with the image, a referenced ConfigMap and a referenced Secret', () => {
    const base = digestsOf(web(), [settings, tls], key).sourceDigest;
    const image = web((t) => Object.assign(t.spec, { containers: [{ name: 'web', image: 'shop:v2' }] }));
    const others = [
      digestsOf(image, [settings, tls], key),
      digestsOf(web(), [config('ConfigMap', 'settings', { failRatio: '0.2' }), tls], key),
      digestsOf(web(), [settings, config('Secret', 'tls', { key: 'b3RoZXI=' })], key),
    ].map((d) => d.sourceDigest);
    assert.equal(new Set([base, ...others]).size, 4);
  });

  it('does not change with replicas, restarts, config of others, or the namespace next door', () => {
    const base = digestsOf(web(), [settings, tls], key).sourceDigest;
    const restarted = web((t) =>
      Object.assign(t, {
        metadata: {
          labels: { app: 'web', 'pod-template-hash': 'abc' },
          annotations: { 'kubectl.kubernetes.io/restartedAt': 'now', 'metricops.dev/restarted-at': 'now' },
        },
      }),
    );
    (restarted.spec as { replicas: number }).replicas = 9;
    const noise = [
      config('ConfigMap', 'other', { a: 'b' }),
      config('ConfigMap', 'settings', { failRatio: '1' }, 'next-door'),
    ];
    assert.equal(digestsOf(restarted, [tls, ...noise, settings], key).sourceDigest, base);
  });

  it('treats stringData as the data that it becomes', () => {
    const { data: _, ...rest } = tls;
    const plain = { ...rest, stringData: { key: 'secret' } } as KubeObject;
    assert.equal(digestsOf(web(), [plain], key).sourceDigest, digestsOf(web(), [tls], key).sourceDigest);
  });

  it('does not show a Secret to somebody without the key', () => {
    assert.notEqual(
      digestsOf(web(), [tls], key).sourceDigest,
      digestsOf(web(), [tls], Buffer.from('another key')).sourceDigest,
    );
  });
});

describe('canonical', () => {
  it('is the same text for the same value whatever the order of its members', () => {
    const shuffled = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(shuffled)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([k, v]) => [k, shuffled(v)]),
            )
          : value;
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.equal(canonical(shuffled(value)), canonical(value))));
  });
});
