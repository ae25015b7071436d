export { createHoldController, type HoldController, type HoldControllerPorts } from './controller.ts';
export { createHold } from './create-hold.ts';
export { withFinalizer } from './finalizer.ts';
export { otherToolOf } from './live.ts';
export { holdForManualUndo } from './manual-undo.ts';
export { missingNeedsOf, missingWords, obstacleSeenBy, obstacleToTarget } from './missing-needs.ts';
export { changedRollback, type NewRollback, newAcceptance, newDenial, newRollback, proposedHold } from './new-hold.ts';
export { ROLLBACK_FIRST_MS } from './rollback-first.ts';
export { type Newest, planRollback, type RollbackPlan } from './rollback-plan.ts';
export {
  type Answer,
  answerOf,
  effective,
  holdsOf,
  isDigestAccepted,
  isDigestRejected,
  isRollbackTarget,
  rejectionsOf,
  rejects,
  workloadOf,
} from './rules.ts';
export { isLeft, isUnapplied } from './status.ts';
export type { HeldWorkload, HoldWithTarget } from './types.ts';
