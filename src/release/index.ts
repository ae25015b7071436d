export { templateWriters, workloadCacheOptions } from '../ssa/template-writers.ts';
export { alertRulesOf, assessmentsOf } from './assessments.ts';
export { burnedBefore, burnedReleases } from './burned.ts';
export { currentSince, goodAt, type Judgements, type Observation, type Observed, observe } from './history.ts';
export {
  digestsOfReplicaSet,
  imageIdsOf,
  isOfCurrent,
  type Owner,
  type OwnerCaches,
  ownerOf,
  replicaSetCacheOptions,
  revisionOf,
} from './identity.ts';
export { type Unpulled, unpulledImage } from './image-pull.ts';
export { irreversibleSince } from './irreversible.ts';
export { selectLastGood, type Target, type Unfit } from './last-good.ts';
export { excusedPods } from './readiness.ts';
export { createRecorder } from './recorder.ts';
export { PROGRESS_DEADLINE_MS, type RolloutCaches, type RolloutEvidence, rolloutEvidence } from './rollout-evidence.ts';
export { type PodIdentity, TokenError } from './token.ts';
export type { RecordAnswer, Recorder, RecorderCaches, RecorderPorts } from './types.ts';
export { clusterKeys, createTokenVerifier, type KeySource, type TokenVerifier } from './verifier.ts';
export { missingSince } from './workload-missing.ts';
