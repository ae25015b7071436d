/** A machine that images and executables are made for, by the names that others have for it. */
export interface Architecture {
  /** Go, OCI and Debian. */
  name: 'amd64' | 'arm64';
  /** Node. */
  node: 'x64' | 'arm64';
}

export const ARCHITECTURES: readonly Architecture[] = [
  { name: 'amd64', node: 'x64' },
  { name: 'arm64', node: 'arm64' },
];
