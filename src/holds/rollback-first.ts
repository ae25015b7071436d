/**
 * What only follows a rollback (the plan of its GitSync, annotations, logs of pods) begins so many milliseconds after the
 * Hold: its requests and those of the rollback would wait for one another, on an API server that is busy enough.
 */
export const ROLLBACK_FIRST_MS = 500;
