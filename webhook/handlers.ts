import { annotations } from '../src/api/annotations.ts';
import { type AdmittedWorkload, carryPatch } from './annotation-propagation.ts';
import { type ClusterState, injectionNote, reasonToSkip } from './decide.ts';
import { type InjectionSettings, injectionPatch } from './inject.ts';
import { setMembers } from './json-patch.ts';
import type { AdmittedPod } from './pod.ts';
import type { AdmissionRequest, Verdict } from './review.ts';

export interface HandlerPorts {
  /** For a pod of this namespace; undefined while there is no CA yet. */
  settings: (namespace: string) => InjectionSettings | undefined;
  cluster: (namespace: string, dryRun: boolean) => ClusterState;
  /** A pod that asked was admitted. Must not throw, and nothing is written on account of it: anybody can send a review. */
  onAdmitted: (pod: AdmittedPod, namespace: string, isInjected: boolean) => void;
}

/** Pod CREATE. */
export const admitPod = (request: AdmissionRequest, namespaceOptedIn: boolean, ports: HandlerPorts): Verdict => {
  const pod = request.object as AdmittedPod;
  const namespace = request.namespace ?? pod.metadata?.namespace ?? '';
  const dryRun = request.dryRun === true;
  const settings = ports.settings(namespace);
  if (settings === undefined) return { patch: [], decision: 'InjectionError' };
  const { image } = settings;
  const cluster = ports.cluster(namespace, dryRun);
  const skip = reasonToSkip({ pod, namespace, namespaceOptedIn, image, cluster });
  const note = injectionNote(skip);
  if (note !== undefined && !dryRun) ports.onAdmitted(pod, namespace, skip === undefined);
  if (skip === undefined) return { patch: injectionPatch(pod, settings), decision: 'Injected' };
  const existing = pod.metadata?.annotations;
  const patch =
    note === undefined ? [] : setMembers('/metadata/annotations', existing, { [annotations.injection]: note });
  return { patch, decision: skip.reason };
};

/** Deployment, StatefulSet, DaemonSet CREATE and UPDATE. */
export const admitWorkload = (request: AdmissionRequest): Verdict => {
  const before = (request.oldObject ?? undefined) as AdmittedWorkload | undefined;
  const patch = carryPatch(request.object as AdmittedWorkload, before);
  return { patch, decision: patch.length === 0 ? 'Unchanged' : 'Carried' };
};

/** Hold CREATE: says who asked, for those who send no mark of their own. */
export const admitHold = ({ object, userInfo }: AdmissionRequest): Verdict => {
  const { metadata } = object as { metadata?: { annotations?: Record<string, string> } };
  const user = userInfo?.username;
  if (user === undefined || metadata?.annotations?.[annotations.requestedBy] !== undefined)
    return { patch: [], decision: 'Unchanged' };
  const patch = setMembers('/metadata/annotations', metadata?.annotations, { [annotations.requestedBy]: user });
  return { patch, decision: 'Marked' };
};
