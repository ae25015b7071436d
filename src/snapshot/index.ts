export { canonical, hashOf } from './canonical.ts';
export { contentHash, type Digests, digestsOf, liveDigest } from './digest.ts';
export { loadDigestKey } from './digest-key.ts';
export { ensureHistory, historyName, holdName } from './history-name.ts';
export { type ImagePin, pinsFor, withPins } from './pin.ts';
export { configReferencesIn, referencedConfig, referencesOf, templateOf } from './references.ts';
export { createSnapshotStore, LIVE_MANAGER, type Snapshot, SnapshotDamaged, type SnapshotStore } from './store.ts';
export { VERSIONED_OF, withVersionedConfig } from './versioned.ts';
