/** A mutant that no test can notice, or none should: its comment `Stryker disable` names it in the source. */
export interface Disabled {
  /** `src/x.ts: the comment`, as it stands there. */
  where: string;
  why: string;
}

/** A comment without a row here fails the check, as does a row without a comment. */
export const DISABLED: readonly Disabled[] = [];
