export { canonical, hashOf } from './canonical.ts';
export { contentHash, type Digests, digestsOf, liveDigest } from './digest.ts';
export { loadDigestKey } from './digest-key.ts';
export { ensureHistory, historyName, holdName } from './history-name.ts';
export { type ImagePin, namesContent, pinsFor, withPins } from './pin.ts';
export { configReferencesIn, referencedConfig, referencesOf, templateOf } from './references.ts';
export { type SealedSnapshot, type Snapshot, SnapshotDamaged, SnapshotTooLarge } from './seal.ts';
export { createSnapshotStore, LIVE_MANAGER, type SnapshotStore } from './store.ts';
export { VERSIONED_OF, withVersionedConfig } from './versioned.ts';
