/** How far a project does something. `n/a`: the question has no meaning for it. */
export type Mark = 'yes' | 'partly' | 'no' | 'n/a';

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

/** The other projects, as the columns of a table stand. */
export const peers = { flux: 'Flux', argo: 'Argo CD', flagger: 'Flagger', rollouts: 'Argo Rollouts' } as const;
export type Peer = keyof typeof peers;

/** A claim that is left out: we do not know. */
export type Feature = { area: string; name: string; ours: OwnClaim } & Partial<Record<Peer, Claim>>;
