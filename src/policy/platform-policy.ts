import {
  PLATFORM_POLICY_NAME,
  type PlatformPolicy,
  type PlatformPolicySpec,
  unrestrictedPolicy,
} from '../api/platform-policy.ts';
import { createWatchCache, isForbidden, type KubeClient, resources, type WatchCachePorts } from '../kube/index.ts';

/** The platform's policy, as it counts for every room. */
export interface PlatformPolicyWatch {
  /** What is allowed now; everything where the cluster has no policy and the process no lock-down. */
  current(): PlatformPolicySpec;
  /** Resolves after the first list: before it, `current` would allow too much. */
  ready(): Promise<void>;
  /** @returns ends the subscription */
  onChange(handler: () => void): () => void;
  stop(): Promise<void>;
}

/** The same, read once by a person: for who may not, what holds without one. */
export const readPlatformPolicy = async (
  client: KubeClient,
): Promise<{ spec: PlatformPolicySpec; isKnown: boolean }> => {
  try {
    const found = await client.get<PlatformPolicy>(resources.platformPolicies, { name: PLATFORM_POLICY_NAME });
    return { spec: found?.spec ?? unrestrictedPolicy, isKnown: true };
  } catch (error) {
    if (isForbidden(error)) return { spec: unrestrictedPolicy, isKnown: false };
    throw error;
  }
};

/**
 * Watches the one PlatformPolicy of the cluster.
 * @param options.requireServiceAccount lock-down of the process: nobody lifts it with rights in the cluster's API alone
 */
export const watchPlatformPolicy = (
  client: KubeClient,
  ports: WatchCachePorts,
  { requireServiceAccount = false }: { requireServiceAccount?: boolean } = {},
): PlatformPolicyWatch => {
  const cache = createWatchCache<PlatformPolicy>(client, resources.platformPolicies, {}, ports);
  return {
    current() {
      const spec = cache.get({ name: PLATFORM_POLICY_NAME })?.spec ?? unrestrictedPolicy;
      return requireServiceAccount ? { ...spec, requireServiceAccount } : spec;
    },
    ready: cache.ready,
    onChange: (handler) => cache.onChange(() => handler()),
    stop: cache.stop,
  };
};
