import type { IncomingHttpHeaders } from 'node:http';
import type { GitSync } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import { bearerOf, isSame, signatureOf } from './secret.ts';
import type { PushTarget } from './types.ts';

type Header = string | string[] | undefined;
const first = (header: Header): string => (Array.isArray(header) ? header[0] : header) ?? '';

/**
 * Whether a push hook knows the secret: by a bearer token, by GitLab's token header, or by the signature that GitHub,
 * Gitea, Forgejo and Bitbucket make over the body.
 */
export const isTrustedPush = (headers: IncomingHttpHeaders, body: Uint8Array, secret: string): boolean => {
  const token = bearerOf(headers.authorization) ?? first(headers['x-gitlab-token']);
  if (token !== '' && isSame(token, secret)) return true;
  const signed =
    first(headers['x-hub-signature-256']) || first(headers['x-hub-signature']) || first(headers['x-gitea-signature']);
  const hex = signed.replace(/^sha256=/, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) && isSame(hex, signatureOf(body, secret));
};

/** What follows a repository: every GitSync, and the sets that make one for each of its folders. */
export const pushTargets = (syncs: readonly GitSync[], sets: readonly GitSyncSet[]): PushTarget[] => [
  ...syncs.map(({ metadata, spec }) => ({ namespace: metadata.namespace ?? '', name: metadata.name, url: spec.url })),
  ...sets.flatMap(({ metadata, spec }): PushTarget[] => {
    const { folders } = spec.generator;
    if (!folders) return [];
    return [{ kind: 'GitSyncSet', namespace: metadata.namespace ?? '', name: metadata.name, url: folders.url }];
  }),
];

/** Fields in which the forges say where the repository is (GitHub, Gitea, Forgejo, GitLab, Bitbucket, Azure DevOps). */
const URL_FIELDS = [
  'clone_url',
  'html_url',
  'git_http_url',
  'git_url',
  'ssh_url',
  'git_ssh_url',
  'homepage',
  'url',
  'web_url',
  'remoteUrl',
];
const PLACES = [['repository'], ['project'], ['resource', 'repository']];
const MAX_URLS = 32;

/** Every URL by which the body names its repository, normalised; empty when it names none. */
export const repositoriesOf = (body: unknown): string[] => {
  const urls = PLACES.flatMap((place) => {
    const repository = object(place.reduce<unknown>((value, field) => object(value)[field], body));
    const links = object(repository.links);
    return [...URL_FIELDS.map((field) => repository[field]), object(links.html).href];
  });
  const normal = urls.flatMap((url) => (typeof url === 'string' ? [normalUrl(url)] : [])).filter((url) => url !== '');
  return [...new Set(normal)].slice(0, MAX_URLS);
};

const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/**
 * `https://user@Host:443/Team/shop.git/` and `git@host:Team/shop.git` → `host/Team/shop`: the same repository whatever
 * the protocol. '' for what is no repository URL.
 */
export const normalUrl = (text: string): string => {
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)(\S+)$/.exec(text);
  const url = URL.parse(scp ? `ssh://${scp[1]}/${scp[2]}` : text);
  if (!url?.host) return '';
  const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return path === '' ? '' : `${url.host.toLowerCase()}${path}`;
};
