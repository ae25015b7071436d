import { ReasonError } from '../api/reason-error.ts';

// Content that a commit only points to. Leaving it out would look like a removal, and its objects would be pruned.

export const refuseSubmodule = (path: string): never => {
  throw new ReasonError(
    'SubmoduleRefused',
    `${path} is a submodule, which is not fetched: commit its files, or sync its repository with a GitSync of its own`,
  );
};

/** A file that Git LFS keeps elsewhere: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export const isPointer = (content: Buffer): boolean => content.length < 1024 && content.indexOf(POINTER) === 0;

const POINTER = 'version https://git-lfs.github.com/spec/v1\n';

export const pointerWords = (path: string): string =>
  `${path} is a pointer of Git LFS, whose files are not fetched: commit the file itself (git lfs untrack)`;

export const refusePointer = (path: string): never => {
  throw new ReasonError('LFSPointerRefused', pointerWords(path));
};
