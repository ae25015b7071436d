import type { PlatformPolicySpec } from '../api/platform-policy.ts';
import { ReasonError } from '../api/reason-error.ts';
import { type Access, accessTo } from '../policy/outbound.ts';
import { SinkError } from './sink-error.ts';

/**
 * How this sink may be reached. Throws SinkError where the platform does not let it.
 *
 * @param isPlatform the Notification stands in the namespace of the controller
 */
export const accessToSink = (
  url: URL,
  { notifications }: Pick<PlatformPolicySpec, 'notifications'>,
  isPlatform: boolean,
): Access => {
  const allowed = {
    hosts: notifications.allowedHosts,
    isPlatform,
    who: 'Notifications',
    setting: 'notifications.allowedHosts',
  };
  try {
    return accessTo(url, allowed);
  } catch (error) {
    throw ofPolicy(error) ?? error;
  }
};

/** What the platform refuses, here or when the name of the host is looked up. */
export const ofPolicy = (error: unknown): SinkError | undefined =>
  error instanceof ReasonError && error.code === 'HostRefused'
    ? new SinkError('HostRefused', error.message, { cause: error })
    : undefined;
