import { unlessAborted } from '../abort.ts';
import { ReasonError } from '../api/reason-error.ts';
import type { Clock } from '../clock.ts';
import type { Answer } from '../cloud/answers.ts';
import { decryptWithAws, placeOfKey } from '../cloud/aws.ts';
import { decryptWithAzure, scopeOfKey } from '../cloud/azure.ts';
import type { Clouds } from '../cloud/clouds.ts';
import { decryptWithGoogle, isGoogleKey } from '../cloud/google.ts';
import type { CloudLine } from '../cloud/line.ts';
import type { Account } from '../cloud/types.ts';
import type { CloudKind, KeyServices, Wrapped } from './types.ts';

export interface KeyServicesPorts {
  clouds: Clouds;
  clock: Clock;
}

/**
 * The key services of clouds, asked as a ServiceAccount: which key, a file says; at which host, the kind of the key. What
 * the account may decrypt with is the cloud's to say.
 */
export const keyServicesFor = (account: Account, { clouds, clock }: KeyServicesPorts): KeyServices => {
  const { namespace } = account;
  const askAws = async ({ aws: { arn, context = {} } = { arn: '' }, ciphertext }: Wrapped, line: CloudLine) => {
    const place = placeOfKey(arn);
    if (!place) return undefined;
    const keys = await clouds.aws(account, place);
    return decryptWithAws({ arn, context, ciphertext, place }, { keys, now: clock.now() }, line);
  };
  const askGoogle = async ({ name, ciphertext }: Wrapped, line: CloudLine) =>
    isGoogleKey(name) ? decryptWithGoogle({ name, ciphertext }, await clouds.google(account), line) : undefined;
  const askAzure = async ({ azure, ciphertext }: Wrapped, line: CloudLine) => {
    const scope = azure && scopeOfKey(azure);
    return scope && decryptWithAzure({ ...azure, ciphertext }, await clouds.azure(account, scope), line);
  };
  const asks: Readonly<Record<CloudKind, (wrapped: Wrapped, line: CloudLine) => Promise<Answer<string> | undefined>>> =
    { aws: askAws, gcp: askGoogle, azure: askAzure };
  return {
    async unwrap(wrapped, signal) {
      const { kind } = wrapped;
      const what = describeWrapped(wrapped);
      if (!isOfCloud(kind)) return new ReasonError('DecryptionFailed', `${what} is no key of a cloud`);
      const late = new ReasonError('KeyServiceFailed', `${what}: no answer in time`);
      if (signal.aborted) return late;
      try {
        // A login is shared with others, who may have more time.
        const said = await unlessAborted(signal, asks[kind](wrapped, clouds.line(namespace, signal)));
        if (!said)
          return new ReasonError('DecryptionFailed', `${what} is no key that is asked for: its name is not valid`);
        return said.ok ? said.answer : new ReasonError('KeyServiceFailed', `${what}: ${said.why}`);
      } catch (error) {
        if (signal.aborted) return late;
        if (error instanceof ReasonError) return new ReasonError(error.code, `${what}: ${error.message}`);
        throw error;
      }
    },
  };
};

export const isOfCloud = (kind: Wrapped['kind']): kind is CloudKind => Object.hasOwn(CLOUD_SERVICES, kind);

export const CLOUD_SERVICES: Readonly<Record<CloudKind, string>> = {
  aws: 'AWS KMS',
  gcp: 'Google Cloud KMS',
  azure: 'Azure Key Vault',
};

const SERVICES: Readonly<Partial<Record<Wrapped['kind'], string>>> = {
  ...CLOUD_SERVICES,
  vault: 'Vault',
  pgp: 'the OpenPGP key',
};

/** As messages name the master key. */
export const describeWrapped = ({ kind, name }: Wrapped): string => {
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  const service = SERVICES[kind];
  return service === undefined ? shown : `${service} ${shown}`;
};
