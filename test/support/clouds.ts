import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PlatformPolicySpec } from '../../src/api/platform-policy.ts';

/**
 * One server that answers as AWS, Google and Azure do where metricops asks them: an exchange of tokens each, and a key
 * service each, which takes what the exchange gave and nothing else. What AWS is asked has to be signed.
 */
export interface TestClouds {
  url: string;
  /** Puts it in the place of the clouds' hosts. */
  endpoints: PlatformPolicySpec['clouds']['endpoints'];
  clouds: PlatformPolicySpec['clouds'];
  /** What was asked, in order: `STS`, `KMS Decrypt`, `POST /v1/token`... */
  asked: string[];
  /** Whether a token of Kubernetes for this audience is one of who may log in; nobody may by default. */
  accepts: (jwt: string, audience: string) => Promise<boolean>;
  /** What it answers instead, where this is set. */
  fault: { status: number; body: string } | undefined;
  /** For how long what it gives is good. */
  lifetimeMs: number;
  /** Keys of AWS of an administrator, as the command line of sops has them. */
  admin: { accessKeyId: string; secretAccessKey: string };
  /** What each service wrapped of a data key in base64, as sops writes it. */
  wrap: Record<'aws' | 'gcp' | 'azure', (plaintext: string) => string>;
  /** The data keys that AWS was asked to wrap, in base64. */
  wrapped: string[];
  /** Whether a password is one of CodeCommit for this path and host, and whether a token is one of Azure Repos. */
  isPassword(username: string, password: string, repository: { host: string; path: string }): boolean;
  isReposToken(token: string): boolean;
  stop(): Promise<void>;
}

export const REGION = 'eu-central-1';
export const ROLE_ARN = 'arn:aws:iam::123456789012:role/shop';
export const KMS_ARN = `arn:aws:kms:${REGION}:123456789012:key/11111111-2222-3333-4444-555555555555`;
export const GOOGLE_KEY = 'projects/shop/locations/global/keyRings/sops/cryptoKeys/sops';
export const GOOGLE_EMAIL = 'shop@project.iam.gserviceaccount.com';
export const GOOGLE_POOL = 'projects/1/locations/global/workloadIdentityPools/pool/providers/cluster';
export const AZURE_VAULT = 'https://shop.vault.azure.net';
export const AZURE_VERSION = '0123456789abcdef0123456789abcdef';
export const AZURE_ID = '11111111-2222-3333-4444-555555555555';
export const AZURE_TENANT_ID = '99999999-2222-3333-4444-555555555555';

/** As the clouds' own webhooks read them. */
export const CLOUD_ANNOTATIONS = {
  'eks.amazonaws.com/role-arn': ROLE_ARN,
  'azure.workload.identity/client-id': AZURE_ID,
  'azure.workload.identity/tenant-id': AZURE_TENANT_ID,
  'gcp.auth.fluxcd.io/workload-identity-provider': GOOGLE_POOL,
  'iam.gke.io/gcp-service-account': GOOGLE_EMAIL,
};

const HOSTS = [
  `sts.${REGION}.amazonaws.com`,
  `kms.${REGION}.amazonaws.com`,
  'sts.googleapis.com',
  'iamcredentials.googleapis.com',
  'cloudkms.googleapis.com',
  'login.microsoftonline.com',
  new URL(AZURE_VAULT).host,
];

export const startClouds = async (): Promise<TestClouds> => {
  const key = randomBytes(32);
  const admin = { accessKeyId: 'AKIAADMIN', secretAccessKey: randomBytes(20).toString('hex') };
  /** By id; and bearer tokens by what they are for. */
  const awsKeys = new Map<string, { secret: string; session?: string }>([
    [admin.accessKeyId, { secret: admin.secretAccessKey }],
  ]);
  const tokens = new Map<string, string>();
  const tokenFor = (what: string): string => {
    const token = `token-${randomBytes(12).toString('hex')}`;
    tokens.set(token, what);
    return token;
  };
  const isBearer = ({ headers }: IncomingMessage, what: string): boolean =>
    tokens.get((headers.authorization ?? '').replace(/^Bearer /, '')) === what;
  const expiry = (): string => new Date(Date.now() + clouds.lifetimeMs).toISOString();

  const assumeRole = async (form: URLSearchParams): Promise<Reply> => {
    const isRole = form.get('Action') === 'AssumeRoleWithWebIdentity' && form.get('RoleArn') === ROLE_ARN;
    if (!isRole || !(await clouds.accepts(form.get('WebIdentityToken') ?? '', 'sts.amazonaws.com')))
      return {
        status: 403,
        body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>hunter2</Message></Error></ErrorResponse>',
      };
    const id = `ASIA${randomBytes(6).toString('hex').toUpperCase()}`;
    const [secret, session] = [randomBytes(20).toString('base64'), randomBytes(40).toString('base64')];
    awsKeys.set(id, { secret, session });
    const fields = { AccessKeyId: id, SecretAccessKey: secret, SessionToken: session, Expiration: expiry() };
    const lines = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`);
    return {
      status: 200,
      body: `<R><AssumeRoleWithWebIdentityResult><Credentials>\n${lines.join('\n')}\n</Credentials></AssumeRoleWithWebIdentityResult></R>`,
    };
  };
  const aws = (request: IncomingMessage, text: string): Reply => {
    const action = String(request.headers['x-amz-target'] ?? '').replace('TrentService.', '');
    clouds.asked.push(`KMS ${action}`);
    const refused = (type: string): Reply => ({
      status: 400,
      body: JSON.stringify({ __type: `com.amazonaws.kms#${type}` }),
    });
    if (!isSigned(request, text, awsKeys)) return refused('IncompleteSignatureException');
    const {
      KeyId,
      CiphertextBlob = '',
      Plaintext = '',
      EncryptionContext = {},
    } = JSON.parse(text) as Record<string, string>;
    if (KeyId !== KMS_ARN) return refused('NotFoundException');
    const context = JSON.stringify(EncryptionContext);
    if (action === 'Encrypt') {
      clouds.wrapped.push(Plaintext);
      return said({ KeyId, CiphertextBlob: seal(key, Plaintext, context) });
    }
    const plaintext = open(key, CiphertextBlob, context);
    return plaintext === undefined ? refused('InvalidCiphertextException') : said({ KeyId, Plaintext: plaintext });
  };
  const google = async (request: IncomingMessage, path: string, text: string): Promise<Reply> => {
    if (path === '/v1/token') {
      const form = new URLSearchParams(text);
      const isOurs = form.get('audience') === `//iam.googleapis.com/${GOOGLE_POOL}`;
      if (!isOurs || !(await clouds.accepts(form.get('subject_token') ?? '', form.get('audience') ?? '')))
        return { status: 400, body: JSON.stringify({ error: 'invalid_grant', error_description: 'hunter2' }) };
      return said({ access_token: tokenFor('federated'), expires_in: clouds.lifetimeMs / 1000 });
    }
    if (path === `/v1/projects/-/serviceAccounts/${GOOGLE_EMAIL}:generateAccessToken`)
      return isBearer(request, 'federated')
        ? said({ accessToken: tokenFor('google'), expireTime: expiry() })
        : { status: 403, body: JSON.stringify({ error: { status: 'PERMISSION_DENIED' } }) };
    const isOurs = path === `/v1/${GOOGLE_KEY}:decrypt` && isBearer(request, 'google');
    const plaintext = isOurs ? open(key, (JSON.parse(text) as { ciphertext: string }).ciphertext, '{}') : undefined;
    return plaintext === undefined
      ? { status: 403, body: JSON.stringify({ error: { status: 'PERMISSION_DENIED', message: 'hunter2' } }) }
      : said({ plaintext });
  };
  const azure = async (request: IncomingMessage, path: string, text: string): Promise<Reply> => {
    if (path === `/${AZURE_TENANT_ID}/oauth2/v2.0/token`) {
      const form = new URLSearchParams(text);
      const isOurs = form.get('client_id') === AZURE_ID && form.get('grant_type') === 'client_credentials';
      if (!isOurs || !(await clouds.accepts(form.get('client_assertion') ?? '', 'api://AzureADTokenExchange')))
        return {
          status: 401,
          body: JSON.stringify({ error: 'invalid_client', error_description: 'AADSTS70021: hunter2' }),
        };
      return said({ access_token: tokenFor(form.get('scope') ?? ''), expires_in: clouds.lifetimeMs / 1000 });
    }
    const isOurs =
      path === `/keys/sops/${AZURE_VERSION}/decrypt` && isBearer(request, 'https://vault.azure.net/.default');
    const { alg, value = '' } = JSON.parse(text) as { alg?: string; value?: string };
    const plaintext = isOurs && alg === 'RSA-OAEP-256' ? open(key, value, '{}') : undefined;
    return plaintext === undefined
      ? { status: 403, body: JSON.stringify({ error: { code: 'Forbidden', message: 'hunter2' } }) }
      : said({ value: Buffer.from(plaintext, 'base64').toString('base64url') });
  };
  const answerTo = async (request: IncomingMessage): Promise<Reply> => {
    const text = await textOf(request);
    const path = (request.url ?? '').replace(/\?.*/, '');
    const isKms = request.headers['x-amz-target'] !== undefined;
    if (path === '/' && !isKms) clouds.asked.push('STS');
    if (path !== '/') clouds.asked.push(`${request.method} ${path}`);
    if (clouds.fault) return clouds.fault;
    if (path === '/') return isKms ? aws(request, text) : assumeRole(new URLSearchParams(text));
    return path.startsWith('/v1/') ? google(request, path, text) : azure(request, path, text);
  };
  const server = createServer((request, response) => {
    answerTo(request).then(
      ({ status, body }) => response.writeHead(status).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoints = HOSTS.map((host) => ({ host, address: url }));
  const clouds: TestClouds = {
    url,
    endpoints,
    clouds: { allowedHosts: [], endpoints },
    asked: [],
    accepts: async () => false,
    fault: undefined,
    lifetimeMs: 3_600_000,
    admin,
    wrap: {
      aws: (plaintext) => seal(key, plaintext, '{}'),
      gcp: (plaintext) => seal(key, plaintext, '{}'),
      azure: (plaintext) => Buffer.from(seal(key, plaintext, '{}'), 'base64').toString('base64url'),
    },
    wrapped: [],
    isPassword(username, password, { host, path }) {
      const [id = '', session] = username.split(/%(.*)/s);
      const keys = awsKeys.get(id);
      const [, time = '', signature] = /^(\d{8}T\d{6})Z([0-9a-f]{64})$/.exec(password) ?? [];
      const canonical = `GIT\n${path}\n\nhost:${host}\n\nhost\n`;
      const expected = keys && signature4(canonical, { time, service: 'codecommit', secret: keys.secret });
      return expected !== undefined && expected === signature && keys?.session === session;
    },
    isReposToken: (token) => tokens.get(token) === '499b84ac-1321-427f-aa17-267ca6975798/.default',
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return clouds;
};

interface Reply {
  status: number;
  body: string;
}

const said = (body: object): Reply => ({ status: 200, body: JSON.stringify(body) });

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Written from the description of the algorithm; what the SDK of AWS signs, in sops, passes it as well. */
const signature4 = (
  canonical: string,
  { time, service, secret }: { time: string; service: string; secret: string },
): string => {
  const day = time.slice(0, 8);
  const signing = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), REGION), service), 'aws4_request');
  return hmac(
    signing,
    `AWS4-HMAC-SHA256\n${time}\n${day}/${REGION}/${service}/aws4_request\n${hash(canonical)}`,
  ).toString('hex');
};

const isSigned = (
  { headers }: IncomingMessage,
  body: string,
  keys: ReadonlyMap<string, { secret: string; session?: string }>,
): boolean => {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/;
  const [, id = '', , names = '', signature] = pattern.exec(headers.authorization ?? '') ?? [];
  const key = keys.get(id);
  const lines = names.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`);
  const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${hash(body)}`;
  const needed = ['host', 'x-amz-date', ...(key?.session === undefined ? [] : ['x-amz-security-token'])];
  return (
    key !== undefined &&
    needed.every((name) => names.split(';').includes(name)) &&
    headers['x-amz-security-token'] === key.session &&
    signature4(canonical, { time: String(headers['x-amz-date']), service: 'kms', secret: key.secret }) === signature
  );
};

/** @param plaintext in base64 */
const seal = (key: Buffer, plaintext: string, context: string): string => {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([cipher.update(plaintext, 'base64'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
};

const open = (key: Buffer, ciphertext: string, context: string): string | undefined => {
  const bytes = Buffer.from(ciphertext, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
      .setAuthTag(bytes.subarray(12, 28))
      .setAAD(Buffer.from(context));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('base64');
  } catch {
    return undefined; // another key wrapped it, or with another context
  }
};

const textOf = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};
