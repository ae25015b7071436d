/** How long evidence is looked for before a person is needed. Milliseconds, as all of these. */
export const JUDGE_FOR_MS = 300_000;
/** How long a burn that ended is waited for while its alert fires: until it comes back, or the alert ends. */
export const PAUSE_FOR_MS = 900_000;
/** How long a rollback may take until its objects are applied, before a person is needed. */
export const ROLL_BACK_FOR_MS = 300_000;
/** Between two looks at what is watched anyway. */
export const REQUEUE_MS = 1_000;

/** Scrapes come every five seconds, or less often: between two of them there is nothing new. */
const LEAST_MS = 5_000;

/** While a release is not guilty, and the alert fires: what speaks for it seldom changes within seconds. */
export const LOOK_AGAIN_MS = 15_000;

/** Between two looks at Prometheus: a tenth later than need be, and few of what takes long. */
export const lookAgain = (age: number): number => Math.min(Math.max(age / 10, LEAST_MS), LOOK_AGAIN_MS);

/** The same while a person is needed. A change of the history, a Hold or the evidence requeues it earlier. */
export const lookAgainForPerson = (age: number): number => Math.min(Math.max(age / 10, LEAST_MS), 300_000);
