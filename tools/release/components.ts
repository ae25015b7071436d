import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DebianPackage } from './debian.ts';
import type { GoModule } from './go-modules.ts';

/** Something of others that ships: for the list of materials, and for the notices. */
export interface Component {
  name: string;
  version: string;
  /** https://github.com/package-url/purl-spec */
  purl: string;
  /** SPDX, where its package says one. */
  license?: string;
  /** Texts of its licences. */
  texts: string[];
}

const LICENCES = ['LICEN[SC]E*', 'licen[sc]e*', 'COPYING*', 'NOTICE*', 'Copyright*'];

const textsIn = (folder: string): string[] =>
  globSync(LICENCES, { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(go|js|ts|map)$/.test(entry.name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1)) // a file system has an order of its own
    .map((entry) => readFileSync(join(folder, entry.name), 'utf8').trim())
    .filter((text, i, all) => all.indexOf(text) === i);

/** @param licence where the package has no text of it */
export const npmComponent = (folder: string, licence?: string): Component => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const texts = licence === undefined ? textsIn(folder) : [licence];
  return { name, version, purl, ...(license === undefined ? {} : { license }), texts };
};

export const goComponent = ({ path, version, folder }: GoModule): Component => ({
  name: path,
  version,
  purl: `pkg:golang/${path}@${version}`,
  texts: textsIn(folder),
});

export const goRuntime = (root: string, version: string): Component => ({
  name: 'the Go standard library',
  version,
  purl: `pkg:golang/std@${version}`,
  license: 'BSD-3-Clause',
  texts: textsIn(root),
});

/** @param root where they are unpacked */
export const debianComponents = (packages: readonly DebianPackage[], root: string): Component[] =>
  packages.map(({ name, version, architecture, copyright }) => ({
    name,
    version,
    purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`,
    texts: [readFileSync(join(root, copyright), 'utf8').trim()],
  }));

/** Each once, by what it is. */
export const distinct = (components: readonly Component[]): Component[] =>
  [...new Map(components.map((component) => [component.purl, component])).values()].toSorted((a, b) =>
    a.purl < b.purl ? -1 : 1,
  );

/** All that others wrote and that ships here, with their licences: the same text is there once, with all its names. */
export const noticesOf = (components: readonly Component[]): string => {
  const byText = Map.groupBy(
    distinct(components).flatMap((component) => textsOrLicence(component).map((text) => ({ component, text }))),
    ({ text }) => text,
  );
  const line = '-'.repeat(80);
  const sections = [...byText].map(([text, users]) => {
    const names = new Set(users.map(({ component: { name, version } }) => `${name} ${version}`));
    return `${line}\n${[...names].join('\n')}\n${line}\n\n${text}\n`;
  });
  return `metricops contains software of others, under these licences.\n\n${sections.join('\n')}`;
};

const textsOrLicence = ({ texts, license, name }: Component): string[] => {
  if (texts.length > 0) return texts;
  return [`${basename(name)} has the licence ${license ?? 'that its homepage names'}; its package has no text of it.`];
};
