import { webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import 'reflect-metadata'; // @peculiar/x509 wants it before itself
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const usages: KeyUsage[] = ['sign', 'verify'];

export interface CertificateRequest {
  name: string;
  commonName: string;
  organization?: string;
  /** DNS names and IP addresses. */
  names?: string[];
}

/** Writes a CA, the service-account key pair, and the asked certificates as PEM files into `dir`, where they are not there yet. */
export const writeCertificates = async (dir: string, requests: readonly CertificateRequest[]): Promise<void> => {
  if (existsSync(join(dir, 'ca.crt'))) return;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const write = (file: string, text: string): void => writeFileSync(join(dir, file), `${text}\n`, { mode: 0o600 });
  const pair = async (file: string): Promise<CryptoKeyPair> => {
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, usages)) as CryptoKeyPair;
    write(`${file}.key`, pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)));
    return keys;
  };
  const notBefore = new Date(Date.now() - 3600_000);
  const notAfter = new Date(Date.now() + 10 * 365 * 86_400_000);

  const sa = await pair('sa');
  write('sa.pub', pem('PUBLIC KEY', await webcrypto.subtle.exportKey('spki', sa.publicKey)));

  const caKeys = await pair('ca');
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=metricops-local-ca',
    serialNumber: '01',
    keys: caKeys,
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });

  let serial = 1;
  for (const request of requests) {
    serial += 1;
    const keys = await pair(request.name);
    const subject = [{ CN: [request.commonName] }, ...(request.organization ? [{ O: [request.organization] }] : [])];
    const names = (request.names ?? []).map((n) => ({ type: /^[0-9.]+$/.test(n) ? 'ip' : 'dns', value: n }) as const);
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: ca.subject,
      serialNumber: serial.toString(16).padStart(2, '0'),
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      notBefore,
      notAfter,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ],
    });
    write(`${request.name}.crt`, certificate.toString('pem'));
  }
  write('ca.crt', ca.toString('pem')); // last: its presence says that all is there
};

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END ${label}-----`;

/** Writes `<user>.kubeconfig` beside the certificates. */
export const writeKubeconfig = (dir: string, user: string, server: string): string => {
  const data = (file: string): string => readFileSync(join(dir, file)).toString('base64');
  const path = join(dir, `${user}.kubeconfig`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'metricops',
    clusters: [{ name: 'metricops', cluster: { server, 'certificate-authority-data': data('ca.crt') } }],
    users: [
      {
        name: user,
        user: { 'client-certificate-data': data(`${user}.crt`), 'client-key-data': data(`${user}.key`) },
      },
    ],
    contexts: [{ name: 'metricops', context: { cluster: 'metricops', user } }],
  };
  writeFileSync(path, JSON.stringify(config, null, 1), { mode: 0o600 });
  return path;
};

type KeyUsage = 'sign' | 'verify';
type CryptoKeyPair = webcrypto.CryptoKeyPair;
