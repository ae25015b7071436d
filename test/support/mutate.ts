import { registerHooks } from 'node:module';

/** A change of the code as it ships, of a place that is there once. */
export interface Edit {
  /** Path in the repository. */
  file: string;
  search: string;
  replace: string;
}

/**
 * From now on what this thread loads is changed by these edits while it loads.
 *
 * @returns call it when all is loaded: throws where an edit changed nothing
 */
export const mutate = (edits: readonly Edit[]): (() => void) => {
  const applied = new Set<Edit>();
  const mutated = (url: string, source: string): string =>
    edits
      .filter(({ file }) => url.endsWith(`/${file}`))
      .reduce((text, edit) => {
        if (text.split(edit.search).length !== 2)
          throw new Error(`${edit.file} has not exactly one place that says: ${edit.search}`);
        applied.add(edit);
        return text.replace(edit.search, () => edit.replace);
      }, source);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!edits.some(({ file }) => url.endsWith(`/${file}`))) return loaded;
      return { ...loaded, source: mutated(url, String(loaded.source)) };
    },
  });
  return () => {
    if (applied.size !== edits.length) throw new Error('a mutant was not loaded');
  };
};
