import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { times } from './certificate-plan.ts';

/** A certificate with its private key, both PEM. */
export interface Pair {
  certificate: string;
  key: string;
}

const KEYS = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/**
 * A self-signed CA. Each has a name of its own, so that a verifier with two of them in its bundle can distinguish them.
 */
export const issueCa = async (now: number): Promise<Pair> => {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=metricops-ca-${randomBytes(4).toString('hex')}`,
    ...validity(now, times.ca),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await keyPem(keys.privateKey) };
};

/** A serving certificate for the DNS names (and IP addresses), never longer valid than its CA. */
export const issueLeaf = async (ca: Pair, names: readonly string[], now: number): Promise<Pair> => {
  const x509 = await library();
  const issuer = new x509.X509Certificate(ca.certificate);
  const keys = await webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']);
  const dates = validity(now, times.leaf);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${names[0] ?? 'metricops'}`,
    issuer: issuer.subject,
    notBefore: dates.notBefore,
    notAfter: dates.notAfter < issuer.notAfter ? dates.notAfter : issuer.notAfter,
    publicKey: keys.publicKey,
    signingKey: await signingKey(ca.key),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: pem(certificate), key: await keyPem(keys.privateKey) };
};

/** Loaded when something is issued, which is a few times a year. It needs the Reflect metadata API to be there. */
const library = async (): Promise<typeof import('@peculiar/x509')> => {
  await import('reflect-metadata');
  return import('@peculiar/x509');
};

const validity = (now: number, length: number): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(now - times.skew),
  notAfter: new Date(now + length),
});

/** Positive, without leading zeros. */
const serial = (): string => `4${randomBytes(15).toString('hex').slice(1)}`;

const pem = (certificate: { toString(format: 'pem'): string }): string => `${certificate.toString('pem').trim()}\n`;

const keyPem = async (key: webcrypto.CryptoKey): Promise<string> => {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
};

const signingKey = (text: string): Promise<webcrypto.CryptoKey> => {
  const der = Buffer.from(text.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, KEYS, false, ['sign']);
};
