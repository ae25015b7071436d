import { type Answer, jsonIn, textIn } from './answers.ts';
import { FORM } from './forms.ts';
import type { CloudLine } from './line.ts';
import { signed } from './sigv4.ts';
import type { Account, AwsKeys, AwsPlace, Issued } from './types.ts';

/** As the webhook of EKS reads it. */
export const ROLE = 'eks.amazonaws.com/role-arn';
/** Of the token of Kubernetes. */
export const AWS_AUDIENCE = 'sts.amazonaws.com';

const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
const REGION = /^[a-z]{2}(-[a-z]+){1,2}-\d{1,2}$/;

export const isRole = (text: string): boolean => ROLE_ARN.test(text);

/** Where a partition (`aws`, `aws-cn`, `aws-us-gov`) has its hosts; undefined for what is no region of one. */
export const placeOf = (partition: string, region: string): AwsPlace | undefined => {
  const suffix = SUFFIXES[partition];
  return suffix !== undefined && REGION.test(region) ? { region, suffix } : undefined;
};

const SUFFIXES: Readonly<Record<string, string>> = {
  aws: 'amazonaws.com',
  'aws-us-gov': 'amazonaws.com',
  'aws-cn': 'amazonaws.com.cn',
};

const LIFETIME_S = 3600;

/**
 * Keys of the role for a token of Kubernetes:
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
export const assumeRole = async (
  { namespace, name }: Account,
  { role, jwt, place }: { role: string; jwt: string; place: AwsPlace },
  line: CloudLine,
): Promise<Answer<Issued<AwsKeys>>> => {
  const url = line.at(`https://sts.${place.region}.${place.suffix}/`);
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: `metricops.${namespace}.${name}`.slice(0, 64),
    DurationSeconds: `${LIFETIME_S}`,
    WebIdentityToken: jwt,
  });
  const said = textIn(await line.post(url, FORM, form.toString()), url.host);
  if (!said.ok) return said;
  const [accessKeyId, secretAccessKey, sessionToken, expiration] = FIELDS.map(
    (field) => new RegExp(`<${field}>\\s*([^<\\s]+)\\s*</${field}>`).exec(said.answer)?.[1],
  );
  const until = Date.parse(expiration ?? '');
  return accessKeyId && secretAccessKey && sessionToken && !Number.isNaN(until)
    ? { ok: true, answer: { value: { accessKeyId, secretAccessKey, sessionToken }, until } }
    : { ok: false, why: `${url.host} answered without keys` };
};

const FIELDS = ['AccessKeyId', 'SecretAccessKey', 'SessionToken', 'Expiration'];

const KMS_KEY = /^arn:(aws[a-z-]*):kms:([a-z0-9-]+):\d{12}:(?:key|alias)\/[\w/-]{1,256}$/;

/** Where the key is; undefined for what is no ARN of one. */
export const placeOfKey = (arn: string): AwsPlace | undefined => {
  const [, partition = '', region = ''] = KMS_KEY.exec(arn) ?? [];
  return placeOf(partition, region);
};

/** The data key, in base64: https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html */
export const decryptWithAws = async (
  { arn, context, ciphertext, place }: AwsCiphertext,
  { keys, now }: { keys: AwsKeys; now: number },
  line: CloudLine,
): Promise<Answer<string>> => {
  const url = line.at(`https://kms.${place.region}.${place.suffix}/`);
  const isBound = Object.keys(context).length > 0;
  const body = JSON.stringify({
    KeyId: arn,
    CiphertextBlob: ciphertext,
    ...(isBound && { EncryptionContext: context }),
  });
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Decrypt' };
  const said = jsonIn(
    await line.post(url, signed({ url, headers, body, now }, { region: place.region, service: 'kms' }, keys), body),
    url.host,
  );
  if (!said.ok) return said;
  const { Plaintext: key } = said.answer;
  return typeof key === 'string' ? { ok: true, answer: key } : { ok: false, why: `${url.host} answered without a key` };
};

export interface AwsCiphertext {
  arn: string;
  /** The encryption context: what it was encrypted with has to be said again. */
  context: Readonly<Record<string, string>>;
  /** In base64. */
  ciphertext: string;
  place: AwsPlace;
}
