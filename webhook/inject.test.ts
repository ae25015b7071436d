import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { RECORDER } from '../src/api/injection.ts';
import { applyPatch } from '../test/support/json-patch.ts';
import { reasonToSkip } from './decide.ts';
import { injectionPatch } from './inject.ts';
import { type AdmittedPod, type Container, recorderOf } from './pod.ts';

const UNBOUND = { bounds: { limitRanges: [], quotas: [] }, networkPolicies: [] };
const settings = { image: 'sidecar:1', recordUrl: 'https://m.svc:8443/api/v1/records', ca: 'PEM', ...UNBOUND };
const inject = (pod: AdmittedPod): AdmittedPod => applyPatch(pod, injectionPatch(pod, settings));
const envOf = (pod: AdmittedPod): Record<string, unknown> =>
  Object.fromEntries(
    ((recorderOf(pod, settings.image)?.env ?? []) as { name: string; value?: string; valueFrom?: unknown }[]).map(
      (e) => [e.name, e.value ?? e.valueFrom],
    ),
  );
const annotated = (annotations: Record<string, string>, ports: Container['ports'] = []): AdmittedPod => ({
  metadata: { annotations },
  spec: { containers: [{ name: 'app', ports }] },
});

const amounts = fc.record({ cpu: fc.constantFrom('100m', '1'), memory: fc.constantFrom('64Mi', '1Gi') });
const container = fc.record(
  {
    name: fc.stringMatching(/^[a-z]{3,8}$/),
    ports: fc.array(fc.record({ containerPort: fc.integer({ min: 15788, max: 15793 }) }), { maxLength: 4 }),
    resources: fc.record({ requests: amounts, limits: amounts }, { requiredKeys: [] }),
  },
  { requiredKeys: ['name'] },
);
const pods: fc.Arbitrary<AdmittedPod> = fc
  .record(
    {
      metadata: fc.record(
        {
          annotations: fc.dictionary(
            fc.constantFrom(
              'metricops.dev/inject',
              'prometheus.io/scrape',
              'prometheus.io/port',
              'prometheus.io/path',
              'a/b~c',
            ),
            fc.constantFrom('true', 'false', '8080', '15790', '/m', ''),
          ),
        },
        { requiredKeys: [] },
      ),
      spec: fc.record(
        {
          containers: fc.array(container, { minLength: 1, maxLength: 3 }),
          initContainers: fc.array(container, { maxLength: 2 }),
          volumes: fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,5}$/) }), { maxLength: 2 }),
        },
        { requiredKeys: ['containers'] },
      ),
    },
    { requiredKeys: ['metadata', 'spec'] },
  )
  .map((pod) => JSON.parse(JSON.stringify(pod)) as AdmittedPod); // as it comes from the API server

describe('injection', () => {
  it('is idempotent: an injected pod is left as it is', () => {
    fc.assert(
      fc.property(pods, (pod) => {
        const once = inject(pod);
        const cluster = { withoutSidecars: () => undefined, outOfBounds: () => undefined, stopped: () => undefined };
        const question = {
          pod: once,
          namespace: 'shop',
          systemNamespace: 'metricops-system',
          image: settings.image,
          cluster,
        };
        assert.ok(
          ['AlreadyInjected', 'NotOptedIn'].includes(
            reasonToSkip({ ...question, namespaceOptedIn: true })?.reason ?? '',
          ),
        );
        assert.deepEqual(inject(once), once);
      }),
    );
  });

  it('adds one container and one volume, and changes none of the others', () => {
    fc.assert(
      fc.property(pods, (pod) => {
        const { spec } = inject(pod);
        assert.deepEqual(spec?.containers, pod.spec?.containers);
        assert.deepEqual(
          spec?.initContainers?.filter(({ name }) => name !== RECORDER),
          pod.spec?.initContainers ?? [],
        );
        assert.equal(spec?.volumes?.length, (pod.spec?.volumes?.length ?? 0) + 1);
      }),
    );
  });

  it('takes a port that nobody in the pod has', () => {
    fc.assert(
      fc.property(pods, (pod) => {
        const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
        const taken = all.flatMap((c) => c.ports ?? []).map((p) => p.containerPort);
        assert.ok(!taken.includes(Number(envOf(inject(pod)).METRICOPS_PORT)));
      }),
    );
  });

  it('keeps a Guaranteed pod so, and always asks for CPU and memory', () => {
    const isGuaranteed = (all: Container[]): boolean =>
      all.every(({ resources }) =>
        (['cpu', 'memory'] as const).every((name) => {
          const limit = resources?.limits?.[name];
          return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
        }),
      );
    fc.assert(
      fc.property(pods, (pod) => {
        const { spec } = inject(pod);
        const before = isGuaranteed([...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]);
        assert.equal(isGuaranteed([...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]), before);
        const requests = recorderOf({ spec: spec ?? {} }, settings.image)?.resources?.requests;
        assert.ok(requests?.cpu && requests.memory);
      }),
    );
  });

  it('gives back the restartPolicy that another webhook took', () => {
    const pod = inject(annotated({}));
    const stripped = structuredClone(pod);
    delete recorderOf(stripped, settings.image)?.restartPolicy;
    assert.deepEqual(inject(stripped), pod);
  });

  it('merges metrics for users of prometheus.io annotations only', () => {
    const merged = inject(annotated({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' }));
    assert.equal(merged.metadata?.annotations?.['prometheus.io/port'], '15790');
    assert.equal(merged.metadata?.annotations?.['prometheus.io/path'], '/metrics');
    assert.equal(envOf(merged).METRICOPS_APP_PORT, '8080');
    assert.equal(envOf(merged).METRICOPS_APP_PATH, '/metrics');
    for (const pod of [annotated({}), annotated({ 'prometheus.io/port': '8080' })]) {
      const other = inject(pod);
      assert.equal(envOf(other).METRICOPS_APP_PORT, undefined);
      assert.equal(
        other.metadata?.annotations?.['prometheus.io/port'],
        pod.metadata?.annotations?.['prometheus.io/port'],
      );
    }
  });

  it('merges no target that it could not ask as Prometheus did', () => {
    const tls = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8443', 'prometheus.io/scheme': 'https' };
    assert.equal(envOf(inject(annotated(tls))).METRICOPS_APP_PORT, undefined);
    const scraped = { 'prometheus.io/scrape': 'true' };
    const two = [{ containerPort: 1 }, { containerPort: 2 }];
    assert.equal(envOf(inject(annotated(scraped, two))).METRICOPS_APP_PORT, undefined);
    assert.equal(envOf(inject(annotated(scraped, [{ containerPort: 8080 }]))).METRICOPS_APP_PORT, '8080');
  });

  describe('leaves the target as it is where Prometheus might not reach the recorder', () => {
    const scraped = (change: Record<string, string> = {}): AdmittedPod =>
      annotated({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080', ...change });
    const portOf = (pod: AdmittedPod): string | undefined => pod.metadata?.annotations?.['prometheus.io/port'];

    it('because the pod declines it', () => {
      assert.equal(portOf(inject(scraped({ 'metricops.dev/merge-metrics': 'false' }))), '8080');
    });

    it('because a mesh serves what it merged, or its proxy decides who reaches which port', () => {
      for (const port of ['15020', '15090', '4191'])
        assert.equal(portOf(inject(scraped({ 'prometheus.io/port': port }))), port);
      const meshed = scraped();
      meshed.spec?.containers?.push({ name: 'istio-proxy' });
      assert.equal(portOf(inject(meshed)), '8080');
    });

    it('because a LimitRange leaves the recorder too little CPU for a scrape', () => {
      const limits = [{ type: 'Container', maxLimitRequestRatio: { cpu: '2' }, default: { cpu: '1' } }];
      const range = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } };
      const bounds = { limitRanges: [range], quotas: [] };
      const pod = applyPatch(scraped(), injectionPatch(scraped(), { ...settings, bounds }));
      assert.deepEqual(recorderOf(pod, settings.image)?.resources?.limits?.cpu, '10m');
      assert.equal(portOf(pod), '8080');
    });
  });
});
