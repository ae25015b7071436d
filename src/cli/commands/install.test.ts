import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { KubeObject } from '../../api/meta.ts';
import { configure } from './install.ts';

describe('metricops install', () => {
  const release = 'registry.example.com/metricops:2.0.0@sha256:22';
  const recorder = 'registry.example.com/metricops-sidecar:2.0.0@sha256:33';
  const manifests = (image: string, sidecarImage: string): KubeObject[] => [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'metricops-config' },
      data: { METRICOPS_SIDECAR_IMAGE: sidecarImage },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'metricops' },
      spec: { replicas: 2, template: { metadata: {}, spec: { containers: [{ image }] } } },
    },
  ];
  /** The images that run after an installation over the one with `image` and `sidecarImage`. */
  const imagesAfter = (own: KubeObject[], image: string, sidecarImage: string): unknown[] => {
    const settings = { METRICOPS_SIDECAR_IMAGE: sidecarImage };
    const [config, deployment] = configure(own, {}, { settings, image, replicas: 2 });
    assert.ok(config && deployment);
    const { template } = deployment.spec as { template: { spec: { containers: { image: string }[] } } };
    return [template.spec.containers[0]?.image, (config.data as typeof settings).METRICOPS_SIDECAR_IMAGE];
  };

  it('of a release moves an older one of the same registry to its own images', () => {
    const old = ['registry.example.com/metricops:1.0.0', 'registry.example.com/metricops-sidecar@sha256:11'] as const;
    assert.deepEqual(imagesAfter(manifests(release, recorder), ...old), [release, recorder]);
  });

  it('leaves images of a mirror, which only an option changes', () => {
    const mirror = ['mirror:5000/metricops:1.0.0', 'mirror:5000/metricops-sidecar:1.0.0'] as const;
    assert.deepEqual(imagesAfter(manifests(release, recorder), ...mirror), [...mirror]);
  });

  it('of a build of your own leaves what you named before', () => {
    const own = manifests('metricops.dev/metricops:dev', 'metricops.dev/sidecar:dev');
    const named = ['metricops.dev/metricops:tuesday', 'registry.example.com/sidecar:1'] as const;
    assert.deepEqual(imagesAfter(own, ...named), [...named]);
  });
});
