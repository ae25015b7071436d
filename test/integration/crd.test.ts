import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { API_VERSION } from '../../src/api/annotations.ts';
import { kinds } from '../../src/api/crd.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type KubeError, type ResourceType, resources } from '../../src/kube/index.ts';
import { stale } from '../../tools/generate.ts';
import { useControlPlane } from '../support/cluster.ts';

const digest = (fill: string): string => `v1:${fill.repeat(64)}`;

describe('the kinds', () => {
  const plane = useControlPlane();

  const object = async (kind: string, spec: unknown): Promise<KubeObject> => ({
    apiVersion: API_VERSION,
    kind,
    metadata: { name: 'it', namespace: await plane().namespace('crd') },
    spec,
  });
  const refusal = async (type: ResourceType, spec: unknown): Promise<string> => {
    const bad = await object(type.kind, spec);
    const error = await plane()
      .client.apply(type, bad, { fieldManager: 'test' })
      .then(
        () => assert.fail('the API server took it'),
        (e: KubeError) => e,
      );
    assert.ok([400, 422, 500].includes(error.status), `${error.status} ${error.message}`);
    return error.message;
  };

  it('are committed as they are generated', () => {
    assert.deepEqual(stale(), []);
  });

  it('say in plain words what is wrong with a GitSync', async () => {
    const url = 'https://git.example.com/shop.git';
    const source = { git: { url } };
    const git = (spec: object): object => ({ source: { git: spec } });
    const cases: [unknown, RegExp][] = [
      [git({ url: 'https://me:pw@git.example.com/shop.git' }), /spec.source.git.url.*without a password.*secretRef/],
      [git({ url: 'example.com:shop.git' }), /url is https:\/\/, http:\/\/, ssh:\/\/ or git@HOST:PATH/],
      [git({ url: 'ssh://-oProxyCommand=x/shop.git' }), /url is https:\/\//],
      [git({ url: 'ssh://me:pw@example.com/shop.git' }), /without a password in it/],
      [git({ url: 'https://github.com:org/repo.git' }), /spec.source.git.url.*is no URL.*with \/ after the host/],
      [git({ url, ref: { branch: 'main', tag: 'v1' } }), /exactly one of branch, tag, semver and commit/],
      [git({ url, ref: { commit: 'abc' } }), /commit is the full SHA-1/],
      [
        git({ url, verify: { mode: 'Tag', secretRef: { name: 'a' } } }),
        /Tag and TagAndHEAD need ref.tag or ref.semver/,
      ],
      [git({ url, verify: { mode: 'Head', secretRef: { name: 'a' } } }), /mode.*"HEAD", "Tag", "TagAndHEAD"/],
      [git({ url, verify: {} }), /verify.secretRef.*[Rr]equired/],
      [git({ url, brnch: 'main' }), /brnch/],
      [git({}), /spec.source.git.url.*[Rr]equired/],
      [{ source: {} }, /spec.source.*set git/],
      [{ source, render: { plain: {}, kustomize: {} } }, /spec.render.*set exactly one of plain, kustomize and helm/],
      [
        { source, render: { helm: { valuesFiles: ['../prod.yaml'] } } },
        /spec.render.helm.valuesFiles.*a values file is in the repository: no leading \/ and no \.\./,
      ],
      [{ source, render: { helm: { releaseName: 'My_Release' } } }, /spec.render.helm.releaseName.*name of a release/],
      [
        {
          source,
          render: { helm: { chart: { repository: 'https://me:pw@example.com', name: 'web', version: '1.x' } } },
        },
        /spec.render.helm.chart.repository.*without a password in it/,
      ],
      [
        {
          source,
          render: { helm: { chart: { repository: 'oci://example.com/charts', name: 'a/b', version: '1.x' } } },
        },
        /spec.render.helm.chart.name.*the name of a chart/,
      ],
      [{ source, render: { jsonnet: {} } }, /spec.render.jsonnet: field not declared/],
      [git({ url, provider: 'aws' }), /spec.source.git.*set provider and serviceAccountName, or neither/],
      [git({ url, serviceAccountName: 'a' }), /spec.source.git.*set provider and serviceAccountName, or neither/],
      [
        git({ url, provider: 'azure', serviceAccountName: 'a', secretRef: { name: 'a' } }),
        /spec.source.git.*set provider or secretRef, not both/,
      ],
      [
        git({ url: 'git@ssh.dev.azure.com:v3/a/b/c', provider: 'azure', serviceAccountName: 'a' }),
        /spec.source.git.*provider needs a url with https/,
      ],
      [
        { source, patches: [{ patch: '- {op: remove, path: /spec/replicas}' }] },
        /spec.patches\[0\].*a JSON 6902 patch needs a target/,
      ],
      [{ source, patches: [{ patch: 'a', targt: {} }] }, /targt/],
      [{ source, patches: Array.from({ length: 51 }, () => ({ patch: 'a' })) }, /spec.patches.*at most 50 items/],
      [{ source, images: [{ name: 'web' }] }, /spec.images\[0\].*set newName, newTag, or digest/],
      [
        { source, images: [{ name: 'web(', newTag: '1' }] },
        /spec.images\[0\].name.*name is an image without tag and digest/,
      ],
      [{ source, decryption: { vault: { address: 'vault.example.com' } } }, /address is http:\/\/ or https:\/\//],
      [{ source, ignoreDifferences: [{ kind: 'Secret' }] }, /name jsonPointers, managedFieldsManagers, or both/],
      [{ source, interval: '1d' }, /spec.interval.*not a duration.*a day is 24h/],
      [{ source, interval: '0s' }, /spec.interval.*at least 5s/],
      [{ source, interval: '4999ms' }, /spec.interval.*at least 5s/],
      [{ source, interval: '5 minutes' }, /spec.interval.*not a duration: write e.g. 90s/],
      [{ source, path: '../other' }, /spec.path.*stays inside the repository/],
      [{ source, path: '/etc' }, /spec.path.*no leading \//],
      [{}, /spec.source.*[Rr]equired/],
    ];
    for (const [spec, words] of cases) assert.match(await refusal(resources.gitSyncs, spec), words);
  });

  it('say in plain words what is wrong with a GitSyncSet', async () => {
    const template = { metadata: { name: '{{name}}' } };
    const folders = { source: { git: { url: 'https://git.example.com/mono.git' } }, pattern: 'apps/*' };
    const pattern = /a pattern is e.g. apps\/\* .*without \*\*/;
    const cases: [unknown, RegExp][] = [
      [{ template, generators: [{}] }, /exactly one of folders, list and namespaces/],
      [{ template, generators: [{ folders, list: [] }] }, /exactly one of folders, list and namespaces/],
      [{ template, generators: [{ folders: { ...folders, pattern: 'apps/**' } }] }, pattern],
      [{ template, generators: [{ folders: { ...folders, exclude: ['../x'] } }] }, pattern],
      [{ template, generators: [{ namespaces: { matchLabels: {} } }] }, /name at least one label/],
      [{ template, generators: [{ list: [] }], interval: 'soon' }, /spec.interval.*not a duration/],
      [{ template, generators: [] }, /spec.generators.*at least 1/],
      [{ generators: [{ list: [] }] }, /spec.template.*[Rr]equired/],
    ];
    for (const [spec, words] of cases) assert.match(await refusal(resources.gitSyncSets, spec), words);
  });

  it('say in plain words what is wrong with a RollbackPolicy', async () => {
    const targetRef = { name: 'web' };
    const indicator = { ratio: { errors: 'e', total: 't' } };
    const latency = { histogram: 'request_seconds', threshold: '0.3' };
    const measured = { name: 'a', target: '99', indicator };
    const objectiveRef = { apiVersion: 'sloth.slok.dev/v1', kind: 'PrometheusServiceLevel', name: 'web' };
    const alerts = { matchLabels: { a: 'b' } };
    const spec = (objective: object) => ({ targetRef, objectives: [objective] });
    const cases: [unknown, RegExp][] = [
      [{}, /exactly one of targetRef and selector/],
      [{ targetRef, selector: {} }, /exactly one of targetRef and selector/],
      [spec({ name: 'a' }), /set target and indicator, or objectiveRef, or alerts/],
      [spec({ name: 'a', target: '99', alerts }), /target and indicator go together/],
      [spec({ ...measured, indicator: {} }), /set exactly one of ratio and latency/],
      [spec({ ...measured, indicator: { ...indicator, latency } }), /set exactly one of ratio and latency/],
      [spec({ ...measured, indicator: { latency: { ...latency, threshold: '0' } } }), /positive decimal number/],
      [spec({ ...measured, target: '100' }), /a percentage between 0 and 100/],
      [spec({ ...measured, target: '0.0' }), /a percentage between 0 and 100/],
      [spec({ ...measured, target: 99.9 }), /target: expected string/],
      [spec({ ...measured, window: 'a month' }), /not a Prometheus duration/],
      [spec({ ...measured, burnWindows: [{ long: '1h', short: '5m', factor: '-1' }] }), /positive decimal number/],
      [spec({ name: 'a', alerts, window: '7d' }), /belong to a target with an indicator/],
      [spec({ name: 'a', alerts: { matchLabels: {} } }), /name at least one label/],
      [spec({ name: 'a', objectiveRef, alerts }), /objectiveRef stands alone/],
      [spec({ ...measured, name: 'My SLO' }), /lower case letters, digits and -/],
      [{ targetRef, objectives: [measured, measured] }, /[Dd]uplicate/],
      [{ targetRef, freeze: [{ schedule: '@daily', duration: '1h' }] }, /not a cron schedule: write minute, hour/],
      [{ targetRef, freeze: [{ schedule: '0 24 * * *', duration: '1h' }] }, /not a cron schedule/],
      [{ targetRef, freeze: [{ schedule: '0 0 * * *', duration: '1d' }] }, /not a duration.*a day is 24h/],
      [{ targetRef, freeze: [{ schedule: '0 0 * * *', duration: '1h', timeZone: 'CET!' }] }, /IANA time zone/],
      [{ targetRef, mode: 'auto' }, /"Auto", "Approve", "DryRun", "Off"/],
    ];
    for (const [bad, words] of cases) assert.match(await refusal(resources.rollbackPolicies, bad), words);
  });

  it('take a RollbackPolicy whose target is of a kind that is not supported yet: its status says so', async () => {
    const targetRef = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'web' };
    await plane().client.create(resources.rollbackPolicies, await object('RollbackPolicy', { targetRef }));
  });

  it('refuse a hold that goes back to what it keeps out', async () => {
    const spec = {
      workloadRef: { name: 'web' },
      action: 'Rollback',
      rejectedDigests: [digest('a')],
      target: { release: 1, sourceDigest: digest('a'), snapshotRef: { name: 's' } },
    };
    assert.match(await refusal(resources.holds, spec), /cannot go back to the release that it keeps out/);
  });

  it('take of a hold exactly the fields that go with its action', async () => {
    const target = { release: 1, sourceDigest: digest('b'), snapshotRef: { name: 's' } };
    const refusals: [object, RegExp][] = [
      [{}, /action: Required/],
      [{ action: 'Rollback', target }, /Rollback needs rejectedDigests and target/],
      [{ action: 'Rollback', rejectedDigests: [digest('a')] }, /Rollback needs rejectedDigests and target/],
      [{ action: 'Accept' }, /Accept needs acceptedDigests/],
      [{ action: 'Accept', acceptedDigests: [digest('a')], target }, /Accept and Deny take neither/],
      [{ action: 'Accept', acceptedDigests: [digest('a')], scope: 'GitSync' }, /scope goes with action Rollback/],
      [{ action: 'Deny' }, /Deny needs incidentRef/],
      [{ action: 'Deny', incidentRef: { name: 'i' }, acceptedDigests: [digest('a')] }, /the others do not take them/],
    ];
    for (const [rest, message] of refusals)
      assert.match(await refusal(resources.holds, { workloadRef: { name: 'web' }, ...rest }), message);
  });

  it('keep the action of a hold as it was', async () => {
    const spec = { workloadRef: { name: 'web' }, action: 'Accept', acceptedDigests: [digest('a')] };
    const { metadata } = await plane().client.create(resources.holds, await object('Hold', spec));
    const body = { spec: { action: 'Deny', acceptedDigests: null, incidentRef: { name: 'i' } } };
    const change = plane().client.patch(resources.holds, metadata, { type: 'merge', body });
    await assert.rejects(change, /action is immutable/);
  });

  it('keep the workload of a hold, an incident and a history as it was', async () => {
    const target = { release: 1, sourceDigest: digest('b'), snapshotRef: { name: 's' } };
    const hold = { action: 'Rollback', rejectedDigests: [digest('a')], target };
    const cases: [ResourceType, object][] = [
      [resources.holds, hold],
      [resources.incidents, { evidence: [] }],
      [resources.releaseHistories, {}],
    ];
    for (const [type, rest] of cases) {
      const made = await plane().client.create(
        type,
        await object(type.kind, { ...rest, workloadRef: { name: 'web' } }),
      );
      const body = { spec: { workloadRef: { name: 'api' } } };
      const change = plane().client.patch(type, made.metadata, { type: 'merge', body });
      await assert.rejects(change, /workloadRef is immutable/);
    }
  });

  it('fill in the defaults that the reference names', async () => {
    const { client } = plane();
    const sync = await client.create(
      resources.gitSyncs,
      await object('GitSync', { source: { git: { url: 'https://git.example.com/x' } } }),
    );
    assert.deepEqual(sync.spec, {
      source: { git: { url: 'https://git.example.com/x', ref: { branch: 'main' } } },
      path: '.',
      interval: '1m',
      timeout: '5m',
      adopt: false,
      deletionPolicy: 'MirrorPrune',
      healthCheckExprs: [],
      ignoreDifferences: [],
      prune: true,
      maxPrune: '50%',
      allowEmpty: false,
      drift: 'Correct',
      wait: false,
      suspend: false,
      dependsOn: [],
    });
    const objectives = [{ name: 'a', target: '99.9', indicator: { ratio: { errors: 'e', total: 't' } } }];
    const policy = await client.create(
      resources.rollbackPolicies,
      await object('RollbackPolicy', { targetRef: { name: 'web' }, objectives }),
    );
    assert.deepEqual(policy.spec, {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      mode: 'DryRun',
      freeze: [],
      scope: 'Workload',
      cooldown: '10m',
      countdown: '0s',
      maxPerHour: 3,
      soak: '10m',
      maxReleaseAge: '24h',
      minRequests: 20,
      minScore: 3,
      verifyTimeout: '10m',
      onMisjudged: 'Ask',
      onImagePullError: 'Ask',
      objectives: [{ name: 'a', target: '99.9', indicator: { ratio: { errors: 'e', total: 't', podLabel: 'pod' } } }],
    });
  });

  it('are found by short name and category, with columns for people', async () => {
    const { kubectl, client } = plane();
    const sync = await object('GitSync', { source: { git: { url: 'https://git.example.com/x' } } });
    await client.create(resources.gitSyncs, sync);
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'ReconciliationSucceeded',
      message: 'applied 12 objects',
      lastTransitionTime: new Date(0).toISOString(),
    };
    const status = { conditions: [condition], lastAppliedRevision: 'main@0123456' };
    const patch = { type: 'merge', body: { status } } as const;
    await client.patch(resources.gitSyncs, sync.metadata, patch, { subresource: 'status' });
    const namespace = sync.metadata.namespace ?? '';
    const [head = '', row = ''] = kubectl(['get', 'gsync', '-n', namespace]).split('\n');
    assert.match(head, /^NAME +READY +STATUS +REVISION +HELD +AGE$/);
    assert.match(row, /^it +True +applied 12 objects +main@0123456 +[0-9]+s$/);
    assert.match(kubectl(['get', 'metricops', '-n', namespace]), /gitsync.*it/);
    for (const { shortNames } of kinds) kubectl(['get', shortNames[0] ?? '', '-n', namespace]);
  });
});
