import type { GitSync } from '../../api/gitsync.ts';
import { keyOfSync } from '../../api/gitsync-names.ts';
import type { Rendered } from '../../render/index.ts';

/** What was rendered last, so that drift is corrected, and a Hold planned, without a render. */
export interface Renderings {
  /**
   * undefined when another version or spec was rendered since, or it was too large to keep.
   * @param version see `versionOf`
   */
  get(sync: GitSync, version: string): Rendered | undefined;
  keep(sync: GitSync, version: string, rendered: Rendered): void;
}

/** Of manifests, as text; as objects they take some four times as much. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The least recently used give way: they are rendered again when they are needed. */
export const createRenderings = (maxBytes = MAX_BYTES): Renderings => {
  const kept = new Map<string, { of: string; rendered: Rendered }>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= kept.get(key)?.rendered.bytes ?? 0;
    kept.delete(key);
  };
  return {
    get(sync, version) {
      const key = keyOfSync(sync);
      const found = kept.get(key);
      if (found?.of !== identityOf(sync, version)) return undefined;
      kept.delete(key);
      kept.set(key, found); // a Map keeps the order of insertion
      return found.rendered;
    },
    keep(sync, version, rendered) {
      const key = keyOfSync(sync);
      drop(key);
      if (rendered.bytes > maxBytes) return;
      kept.set(key, { of: identityOf(sync, version), rendered });
      bytes += rendered.bytes;
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) return;
        drop(oldest);
      }
    },
  };
};

/** What a render depends on: the generation counts every change of the spec. */
const identityOf = ({ metadata }: GitSync, version: string): string =>
  `${metadata.uid} ${metadata.generation} ${version}`;
