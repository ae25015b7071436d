export { goodAt, isRejected, type Judgements, type Observation, type Observed, observe } from './history.ts';
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
export { alertRulesOf, judgementsOf } from './judgements.ts';
export { selectLastGood, type Target } from './last-good.ts';
export { createRecorder } from './recorder.ts';
export { isRolledOut } from './rollout.ts';
export { type PodIdentity, TokenError } from './token.ts';
export type { RecordAnswer, Recorder, RecorderCaches, RecorderPorts } from './types.ts';
export { clusterKeys, createTokenVerifier, type KeySource, type TokenVerifier } from './verifier.ts';
export { templateWriters, workloadCacheOptions } from './writers.ts';
