import assert from 'node:assert/strict';
import { AZURE_VAULT, AZURE_VERSION, GOOGLE_KEY, KMS_ARN, type TestClouds } from './clouds.ts';
import type { Sops } from './sops.ts';

/**
 * A JSON file that sops encrypted for a key of the test's cloud. AWS is asked by sops itself, which signs with the SDK. For
 * the others the data key, which the test's AWS has seen, is wrapped here and stands where sops would write it.
 */
export const encryptedForCloud = async (
  kind: 'aws' | 'gcp' | 'azure',
  text: string,
  { sops, clouds, only, context }: { sops: Sops; clouds: TestClouds; only?: string; context?: string },
): Promise<string> => {
  const kms = { arn: KMS_ARN, endpoint: clouds.url, ...clouds.admin, ...(context !== undefined && { context }) };
  const encrypted = await sops.encrypt('db.json', text, { kms, ...(only !== undefined && { only }) });
  if (kind === 'aws') return encrypted;
  const file = JSON.parse(encrypted) as { sops: Record<string, unknown> & { kms: { created_at: string }[] } };
  const { kms: [made] = [], ...sopsOf } = file.sops;
  assert.ok(made, 'sops names the key of AWS');
  const enc = clouds.wrap[kind](clouds.wrapped.at(-1) ?? '');
  const entry = { created_at: made.created_at, enc };
  const named =
    kind === 'gcp'
      ? { gcp_kms: [{ resource_id: GOOGLE_KEY, ...entry }] }
      : { azure_kv: [{ vault_url: AZURE_VAULT, name: 'sops', version: AZURE_VERSION, ...entry }] };
  return JSON.stringify({ ...file, sops: { ...sopsOf, ...named } });
};
