export type Mark = 'yes' | 'partly' | 'no';

/** What another project does. */
export interface Claim {
  mark: Mark;
  /** A few words of fact, in Markdown. */
  note?: string;
  /** The page of its own documentation that says so. */
  page?: string;
}

/** A test of this repository. */
export interface TestTitle {
  /** Relative to the root of the repository. */
  file: string;
  /** As it stands in `it('…')`. */
  title: string;
}

/** What we do: no mark above "no" without a test that shows it. */
export type OwnClaim = { mark: 'no'; note?: string } | { mark: 'yes' | 'partly'; test: TestTitle; note?: string };

export interface Feature {
  area: string;
  name: string;
  /** Left out: we do not know. */
  flux?: Claim;
  argo?: Claim;
  ours: OwnClaim;
}
