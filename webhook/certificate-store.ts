import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { type Chain, isUsable, nextStep, type Validity } from './certificate-plan.ts';
import { issueCa, issueLeaf, type Pair } from './issue.ts';

export const CERTIFICATES_SECRET = 'metricops-webhook-certs';

/** What the Secret holds. */
export interface Certificates {
  ca: Pair;
  /** Certificate of the CA before; its key is gone. */
  previousCa: string | undefined;
  leaf: Pair;
}

/** PEM bundle for whoever verifies us: the current CA, and the one before while anything of it may be served. */
export const bundleOf = ({ ca, previousCa }: Certificates): string => ca.certificate + (previousCa ?? '');

/** Two steps lead from any content to usable certificates. More would be a bug of ours, which must not loop. */
const MAX_STEPS = 5;

/**
 * The certificates as they should be now: the same object when nothing is due, else after as many steps as it takes.
 * Rejects, in words, when they can't be made usable.
 * @param names DNS names of the service
 */
export const renewed = async (
  stored: Certificates | undefined,
  names: readonly string[],
  now: number,
): Promise<Certificates> => {
  let certificates = stored;
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const step = nextStep(certificates === undefined ? undefined : chainOf(certificates, names), now);
    if (certificates === undefined || step === 'start') {
      const ca = await issueCa(now);
      const previousCa = certificates && trustedBefore(certificates, now);
      certificates = { ca, previousCa, leaf: await issueLeaf(ca, names, now) };
    } else if (step === 'add-ca') {
      certificates = { ...certificates, ca: await issueCa(now), previousCa: certificates.ca.certificate };
    } else if (step === 'issue-leaf') {
      certificates = { ...certificates, leaf: await issueLeaf(certificates.ca, names, now) };
    } else if (step === 'drop-previous') {
      certificates = { ...certificates, previousCa: undefined };
    } else {
      return certificates;
    }
  }
  throw new Error(
    `certificates are not usable after ${MAX_STEPS} steps: check the clock of this machine (${timeOf(now)})`,
  );
};

/** Of the CAs that are given up, the one that others may hold: current ones first, one from the future last. */
const trustedBefore = ({ ca, previousCa }: Certificates, now: number): string | undefined => {
  const all = [ca.certificate, previousCa ?? ''].filter((pem) => readable(pem) !== undefined);
  return all.find((pem) => isUsable(validityOf(new X509Certificate(pem)), now)) ?? all[0];
};

const readable = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined; // no certificate: nobody can trust it
  }
};

/** undefined when a part can't be parsed: start from nothing. */
const chainOf = (certificates: Certificates, names: readonly string[]): Chain | undefined => {
  const ca = readable(certificates.ca.certificate);
  if (ca === undefined) return undefined;
  const previousCa = readable(certificates.previousCa ?? '');
  return {
    ca: validityOf(ca),
    caIssues: isKeyOf(ca, certificates.ca.key),
    previousCa: previousCa && validityOf(previousCa),
    ...leafOf(certificates.leaf, ca, previousCa, names),
  };
};

const UNKNOWN = { leaf: { notBefore: 0, notAfter: 0 }, leafBy: 'unknown' } as const;

const leafOf = (
  { certificate, key }: Pair,
  ca: X509Certificate,
  previousCa: X509Certificate | undefined,
  names: readonly string[],
): Pick<Chain, 'leaf' | 'leafBy'> => {
  const leaf = readable(certificate);
  if (leaf === undefined || !isKeyOf(leaf, key) || !isFor(leaf, names)) return UNKNOWN;
  if (leaf.verify(ca.publicKey)) return { leaf: validityOf(leaf), leafBy: 'ca' };
  if (previousCa && leaf.verify(previousCa.publicKey)) return { leaf: validityOf(leaf), leafBy: 'previousCa' };
  return UNKNOWN;
};

const isFor = (leaf: X509Certificate, names: readonly string[]): boolean =>
  names.every((name) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined);

const isKeyOf = (certificate: X509Certificate, key: string): boolean => {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false; // no key at all
  }
};

/** Whether a TLS server can take the leaf with its key: of what another process wrote, that is not certain. */
export const canServe = ({ leaf: { certificate, key } }: Certificates, names: readonly string[]): boolean => {
  const leaf = readable(certificate);
  return leaf !== undefined && isKeyOf(leaf, key) && isFor(leaf, names);
};

/** What is wrong with the stored certificates, as a sentence; undefined when they can be served. */
export const flawOf = (stored: Certificates, names: readonly string[], now: number): string | undefined => {
  const [ca, leaf] = [readable(stored.ca.certificate), readable(stored.leaf.certificate)];
  if (ca === undefined) return 'ca.crt is no certificate: a new CA is issued';
  if (leaf === undefined) return 'tls.crt is no certificate: a new one is issued';
  if (!isKeyOf(ca, stored.ca.key)) return 'ca.key does not belong to ca.crt: a new CA is issued beside it';
  if (!isKeyOf(leaf, stored.leaf.key)) return 'tls.key does not belong to tls.crt: a new certificate is issued';
  if (!isFor(leaf, names)) return `tls.crt is for other names than ${names.join(', ')}: a new one is issued`;
  const begins = Math.max(validityOf(ca).notBefore, validityOf(leaf).notBefore);
  if (begins <= now) return undefined;
  const minutes = Math.ceil((begins - now) / 60_000);
  return `not valid before ${timeOf(begins)}, in ${minutes} minutes: this machine's clock is behind, or the issuer's was ahead`;
};

/** Also for times that no Date can hold. */
const timeOf = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms));

export const validityOf = (certificate: X509Certificate): Validity => ({
  notBefore: Date.parse(certificate.validFrom),
  notAfter: Date.parse(certificate.validTo),
});

const FIELDS = { ca: 'ca.crt', caKey: 'ca.key', previousCa: 'previous-ca.crt', leaf: 'tls.crt', leafKey: 'tls.key' };

/** undefined when a field is missing. */
export const certificatesOf = (secret: KubeObject): Certificates | undefined => {
  const data = (secret.data ?? {}) as Record<string, string>;
  const read = (field: string): string => Buffer.from(data[field] ?? '', 'base64').toString();
  const [ca, caKey, leaf, leafKey] = [FIELDS.ca, FIELDS.caKey, FIELDS.leaf, FIELDS.leafKey].map(read);
  if (!ca || !caKey || !leaf || !leafKey) return undefined;
  return {
    ca: { certificate: ca, key: caKey },
    previousCa: read(FIELDS.previousCa) || undefined,
    leaf: { certificate: leaf, key: leafKey },
  };
};

export const secretOf = (
  { ca, previousCa, leaf }: Certificates,
  where: { namespace: string; name: string; resourceVersion?: string } = {
    namespace: SYSTEM_NAMESPACE,
    name: CERTIFICATES_SECRET,
  },
): KubeObject => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      ...where,
      labels: { 'app.kubernetes.io/name': 'metricops', 'app.kubernetes.io/part-of': 'metricops' },
    },
    data: {
      [FIELDS.ca]: base64(ca.certificate),
      [FIELDS.caKey]: base64(ca.key),
      [FIELDS.leaf]: base64(leaf.certificate),
      [FIELDS.leafKey]: base64(leaf.key),
      ...(previousCa === undefined ? {} : { [FIELDS.previousCa]: base64(previousCa) }),
    },
  };
};
