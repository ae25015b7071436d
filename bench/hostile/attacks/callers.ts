import { randomUUID } from 'node:crypto';
import { forgedCalls, hanging, openHanging, send } from '../../../test/support/hostile-caller.ts';
import { paths } from '../../../webhook/configuration.ts';
import type { Target } from '../attackers.ts';
import type { Attack } from './index.ts';
import { again, clientOf } from './tenant.ts';

/** As many pods of an attacker in one namespace, each with an address of its own. */
const ADDRESSES = Array.from({ length: 4 }, (_, i) => `127.0.1.${i + 1}`);

const listeners = ({ ports }: Target) =>
  ports.flatMap(({ http, records, webhook }) => [
    { port: http },
    { port: records, tls: true },
    { port: webhook, tls: true },
  ]);

/** Sockets that send so much and wait; those that were closed are opened again. */
const hold =
  (text: string, count: number): Attack =>
  async (target, say) => {
    let opened = 0;
    const all = new Map<number, Awaited<ReturnType<typeof openHanging>>>();
    await again(
      1_000,
      async () => {
        for (const listener of listeners(target)) {
          const open = all.get(listener.port);
          if (open && open.open() > count / 2) continue;
          open?.end();
          all.set(listener.port, await openHanging(listener, { count, text, from: ADDRESSES }));
          opened += count;
        }
        say(`${opened} sockets opened, ${[...all.values()].reduce((sum, h) => sum + h.open(), 0)} open`);
      },
      say,
    );
  };

const review = (namespace: string): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace,
      userInfo: {},
      object: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'forged', namespace, annotations: { 'metricops.dev/inject': 'true' } },
        spec: { containers: [{ name: 'c', image: 'c' }] },
      },
    },
  });

/** Admission reviews, records, alerts and hooks that nobody with rights sent. */
const forged: Attack = async (target, say) => {
  const calls = forgedCalls().filter(({ body = '' }) => body.length < 1 << 20);
  const [first] = target.ports;
  if (!first) throw new Error('no replica');
  const headers = { 'content-type': 'application/json' };
  await again(
    20,
    async (n) => {
      const namespace = ['victim', 'default', 'kube-public', `none-${n}`][n % 4] ?? 'victim';
      const path = [paths.pods, paths.podsOfNamespace, paths.workloads][n % 3] ?? paths.pods;
      await send({ port: first.webhook, tls: true }, { path, headers, body: review(namespace) });
      const call = calls[n % calls.length];
      if (call) await send({ port: first[call.at], tls: call.at === 'records' }, call);
    },
    say,
  );
};

/** A tenant's rules that fire for everything they can name, through the real Alertmanager's token. */
const alertFlood: Attack = async (target, say) => {
  await clientOf(target);
  await again(
    200,
    async (n) => {
      const alert = (i: number): object => ({
        status: 'firing',
        labels: {
          alertname: `Flood${i % 50}`,
          namespace: target.namespace,
          deployment: `flood-${i % 5}`,
          pod: `pod-${n}-${i}`,
        },
        startsAt: new Date().toISOString(),
        fingerprint: randomUUID(),
      });
      const { http = 0 } = target.ports[n % target.ports.length] ?? {};
      const status = await send(
        { port: http },
        {
          path: '/api/v1/alerts',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${target.alertmanagerToken}` },
          body: JSON.stringify({ version: '4', alerts: Array.from({ length: 500 }, (_, i) => alert(i)) }),
        },
      );
      if (status !== 200) throw new Error(String(status));
    },
    say,
  );
};

export const callers: Record<string, Attack> = {
  'unfinished-bodies': hold(hanging['half a body'](64 << 10), 200),
  'idle-connections': hold(hanging.idle, 500),
  'forged-requests': forged,
  'alert-flood': alertFlood,
};
