/** When a certificate begins and ends, milliseconds since the epoch. */
export interface Validity {
  notBefore: number;
  notAfter: number;
}

/** The chain as it is stored. */
export interface Chain {
  /** CA that the next leaf is issued by. */
  ca: Validity;
  /** The CA before it: still in the bundle, for leaves that others serve and trust that others hold. */
  previousCa: Validity | undefined;
  leaf: Validity;
  /** Which of the two issued the leaf; unknown also where its key or its names are others. */
  leafBy: 'ca' | 'previousCa' | 'unknown';
  /** Whether the CA's key is its own: without it nothing can be issued. */
  caIssues: boolean;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const times = {
  ca: 365 * DAY,
  leaf: 90 * DAY,
  /** Renewed when less than this is left. A leaf never outlives its CA: the CA goes first. */
  renewCa: 120 * DAY,
  renewLeaf: 30 * DAY,
  /** From a new bundle until everybody has it: the API server takes seconds, kubelets and their ConfigMaps minutes. */
  overlap: DAY,
  /** Certificates begin this much earlier: an hour for a replica that is ahead, another for a node that is behind. */
  skew: 2 * HOUR,
  /** A certificate that begins further in the future was issued by a clock that is wrong. */
  future: DAY,
} as const;

export type Step =
  | 'keep'
  /** A new CA and a leaf of it; the old CA stays in the bundle for those who hold it. */
  | 'start'
  /** A new CA joins the bundle; the leaf stays the old one's. */
  | 'add-ca'
  /** A leaf of the current CA. */
  | 'issue-leaf'
  /** Nobody needs the previous CA any more. */
  | 'drop-previous';

/**
 * The next step of the rotation, one at a time: add the new CA, wait until it is known, serve a leaf of it, wait, drop
 * the old one. At every step each side trusts what any replica serves.
 */
export const nextStep = (chain: Chain | undefined, now: number): Step => {
  if (chain === undefined || !isUsable(chain.ca, now)) return 'start';
  const leafServes = chain.leafBy !== 'unknown' && isUsable(chain.leaf, now);
  if (!chain.caIssues) return leafServes && chain.leafBy === 'ca' ? 'add-ca' : 'start';
  if (!leafServes) return 'issue-leaf';
  const caAge = now - chain.ca.notBefore - times.skew;
  if (chain.previousCa !== undefined) {
    if (chain.leafBy === 'previousCa') return caAge >= times.overlap ? 'issue-leaf' : 'keep';
    const leafAge = now - chain.leaf.notBefore - times.skew;
    return leafAge >= times.overlap ? 'drop-previous' : 'keep';
  }
  if (chain.ca.notAfter - now < times.renewCa) return 'add-ca';
  return chain.leaf.notAfter - now < times.renewLeaf ? 'issue-leaf' : 'keep';
};

/**
 * What begins in the near future is kept: it is this clock that is behind, or that of the issuer that was ahead, and
 * replicas that replace each other's CA would leave nobody with one to trust.
 */
export const isUsable = ({ notBefore, notAfter }: Validity, now: number): boolean =>
  notBefore <= now + times.future && now < notAfter;
