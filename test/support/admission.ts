import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/clock.ts';
import { resources } from '../../src/kube/index.ts';
import { issueCa, issueLeaf } from '../../webhook/issue.ts';
import type { ControlPlane } from './cluster.ts';

const validatingWebhooks = {
  ...resources.mutatingWebhooks,
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
};

/** What another product's validating webhook says: yes, nothing at all, no with these words; or it is down. */
export type Verdict = 'allow' | 'hang' | 'down' | { deny: string };

export interface ForeignWebhook {
  say(verdict: Verdict): void;
  /** Reviews without an answer yet. */
  open(): number;
  remove(): Promise<void>;
}

/** A validating webhook of another product for ConfigMaps of these namespaces, called by the real API server. */
export const runForeignWebhook = async (
  { client }: ControlPlane,
  namespaces: readonly string[],
): Promise<ForeignWebhook> => {
  const ca = await issueCa(systemClock.now());
  const leaf = await issueLeaf(ca, ['127.0.0.1'], systemClock.now());
  let verdict: Verdict = 'allow';
  const waiting = new Set<() => void>();
  const server = createServer({ key: leaf.key, cert: leaf.certificate }, async (request, response) => {
    if (verdict === 'down') return void request.socket.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { request: review } = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } };
    const answer = (): void => {
      waiting.delete(answer);
      const denied = typeof verdict === 'object' ? verdict.deny : undefined;
      const status = denied === undefined ? {} : { status: { code: 403, message: denied } };
      const body = { uid: review.uid, allowed: denied === undefined, ...status };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: body }));
    };
    waiting.add(answer);
    response.on('close', () => waiting.delete(answer));
    if (verdict !== 'hang') answer();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const name = `policies-${randomUUID().slice(0, 8)}.example.com`;
  await client.create(validatingWebhooks, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: {
          url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
          caBundle: Buffer.from(ca.certificate).toString('base64'),
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [...namespaces] }],
        },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 30,
      },
    ],
  });
  return {
    say(next) {
      verdict = next;
      if (next !== 'hang') for (const answer of [...waiting]) answer();
    },
    open: () => waiting.size,
    async remove() {
      await client.delete(validatingWebhooks, { name });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
