import { isForbidden, isNotFound } from '../kube/index.ts';
import type { Cli } from './context.ts';

/**
 * Who this is to the API server: the value of metricops.dev/requested-by. undefined where it does not say: then the mark
 * is left to the webhook.
 */
export const userName = async ({ client }: Pick<Cli, 'client'>): Promise<string | undefined> => {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  try {
    const answer = await client.raw('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', review);
    return (answer as { status?: { userInfo?: { username?: string } } }).status?.userInfo?.username;
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return undefined;
    throw error;
  }
};
