import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { SYSTEM_NAMESPACE } from '../src/api/annotations.ts';
import type { KubeObject } from '../src/api/meta.ts';
import { type Chain, nextStep, type Validity } from './certificate-plan.ts';
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

/**
 * The certificates as they should be now: the same object when nothing is due, else after as many steps as it takes.
 * @param names DNS names of the service
 */
export const renewed = async (
  stored: Certificates | undefined,
  names: readonly string[],
  now: number,
): Promise<Certificates> => {
  let certificates = stored;
  for (;;) {
    const step = nextStep(certificates === undefined ? undefined : chainOf(certificates, names), now);
    if (certificates === undefined || step === 'start') {
      const ca = await issueCa(now);
      certificates = { ca, previousCa: undefined, leaf: await issueLeaf(ca, names, now) };
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
};

/** undefined when a part can't be read: start anew. */
const chainOf = (certificates: Certificates, names: readonly string[]): Chain | undefined => {
  try {
    const ca = new X509Certificate(certificates.ca.certificate);
    const previousCa = certificates.previousCa === undefined ? undefined : new X509Certificate(certificates.previousCa);
    return {
      ca: validityOf(ca),
      previousCa: previousCa && validityOf(previousCa),
      ...leafOf(certificates.leaf, ca, previousCa, names),
    };
  } catch {
    return undefined;
  }
};

const UNKNOWN = { leaf: { notBefore: 0, notAfter: 0 }, leafBy: 'unknown' } as const;

const leafOf = (
  { certificate }: Pair,
  ca: X509Certificate,
  previousCa: X509Certificate | undefined,
  names: readonly string[],
): Pick<Chain, 'leaf' | 'leafBy'> => {
  const leaf = new X509Certificate(certificate);
  if (!names.every((name) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined)) return UNKNOWN;
  if (leaf.verify(ca.publicKey)) return { leaf: validityOf(leaf), leafBy: 'ca' };
  if (previousCa && leaf.verify(previousCa.publicKey)) return { leaf: validityOf(leaf), leafBy: 'previousCa' };
  return UNKNOWN;
};

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
