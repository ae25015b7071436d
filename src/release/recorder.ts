import type { KubeObject } from '../api/meta.ts';
import { workloadString } from '../api/workload.ts';
import { isEnding, runLeader } from './controller.ts';
import { createHistoryWriter } from './history-writer.ts';
import { ownerOf } from './identity.ts';
import { type RecordPorts, recordWorkload } from './record-workload.ts';
import { namespaceEnds, ownerUnknown, refusal, refusalOf, releaseUnknown } from './responses.ts';
import type { PodIdentity } from './token.ts';
import type { RecordAnswer, Recorder, RecorderPorts } from './types.ts';
import { clusterKeys, createTokenVerifier, KeysUnavailable } from './verifier.ts';

/** The only writer of ReleaseHistories. */
export const createRecorder = (ports: RecorderPorts): Recorder => {
  const { client, caches, clock, log, metrics } = ports;
  const verifier = ports.verifier ?? createTokenVerifier(clusterKeys(client), clock);
  const recordPorts: RecordPorts = { ...ports, writer: createHistoryWriter(client, caches.histories) };

  const answerTo = async (token: string): Promise<RecordAnswer> => {
    const identity = await verifier.verify(token);
    const pod = podOf(identity);
    if (!pod) return refusal(404, 'PodNotFound');
    if (isEnding(caches.namespaces, identity)) return namespaceEnds();
    const owner = ownerOf(pod, caches);
    if (owner.is === 'none') return refusal(422, 'PodNotOwned');
    if (owner.is === 'unknown') return ownerUnknown();
    const { release, created } = await recordWorkload(owner, pod, recordPorts);
    if (!release) return releaseUnknown();
    const workload = workloadString(owner.key);
    if (created) log.info({ workload, release: release.number, commit: release.commit }, 'release recorded');
    return { status: created ? 201 : 200, release: release.number, workload };
  };

  /** The token's word for name and UID, the cluster's word that this pod is there. */
  const podOf = ({ namespace, pod, podUID }: PodIdentity): KubeObject | undefined => {
    const found = caches.pods.get({ namespace, name: pod });
    return found?.metadata.uid === podUID ? found : undefined;
  };

  return {
    async record(token) {
      const answer = await answerTo(token).catch((error: unknown) => {
        const refused = refusalOf(error);
        if (refused.status === 503) {
          const cause = error instanceof KeysUnavailable ? error.cause : error;
          log.warn({ err: cause, code: refused.code }, 'release not recorded');
        }
        return refused;
      });
      metrics.records.inc({ result: RESULTS[answer.status] });
      return answer;
    },
    start: (signal) => runLeader({ ...ports, ...recordPorts }, signal),
  };
};

const RESULTS: Record<RecordAnswer['status'], string> = {
  200: 'known',
  201: 'created',
  202: 'pending',
  401: 'refused',
  403: 'refused',
  404: 'pod_unknown',
  422: 'not_owned',
  503: 'failed',
};
