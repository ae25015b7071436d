import { annotations } from '../src/api/annotations.ts';
import { type AdmittedWorkload, carryPatch } from './carry.ts';
import { type ClusterState, injectionNote, reasonToSkip } from './decide.ts';
import { type InjectionSettings, injectionPatch } from './inject.ts';
import { setMembers } from './json-patch.ts';
import type { AdmittedPod } from './pod.ts';
import type { AdmissionRequest, Verdict } from './review.ts';

export interface HandlerPorts {
  /** For a pod of this namespace; undefined while there is no CA yet. */
  settings: (namespace: string) => InjectionSettings | undefined;
  cluster: () => ClusterState;
  /** A pod of this namespace gets the recorder. Must not throw, is not waited for. */
  onInjected: (namespace: string) => void;
}

/** Pod CREATE. */
export const admitPod = (request: AdmissionRequest, namespaceOptedIn: boolean, ports: HandlerPorts): Verdict => {
  const pod = request.object as AdmittedPod;
  const namespace = request.namespace ?? pod.metadata?.namespace ?? '';
  const reason = reasonToSkip({ pod, namespace, namespaceOptedIn, cluster: ports.cluster() });
  if (reason !== undefined) {
    const note = injectionNote(reason);
    const existing = pod.metadata?.annotations;
    const patch =
      note === undefined ? [] : setMembers('/metadata/annotations', existing, { [annotations.injection]: note });
    return { patch, decision: reason };
  }
  const settings = ports.settings(namespace);
  if (settings === undefined) return { patch: [], decision: 'InjectionError' };
  if (request.dryRun !== true) ports.onInjected(namespace);
  return { patch: injectionPatch(pod, settings), decision: 'Injected' };
};

/** Deployment, StatefulSet, DaemonSet CREATE and UPDATE. */
export const admitWorkload = (request: AdmissionRequest): Verdict => {
  const before = (request.oldObject ?? undefined) as AdmittedWorkload | undefined;
  const patch = carryPatch(request.object as AdmittedWorkload, before);
  return { patch, decision: patch.length === 0 ? 'Unchanged' : 'Carried' };
};
