import type { IncomingHttpHeaders } from 'node:http';
import type { GitSync } from '../api/gitsync.ts';
import type { GitSyncSet } from '../api/gitsyncset.ts';
import { addressOf } from '../api/source.ts';
import { bearerOf, isSame } from './secret.ts';
import type { PushTarget } from './types.ts';

type Header = string | string[] | undefined;
const first = (header: Header): string => (Array.isArray(header) ? header[0] : header) ?? '';

/** What the headers of a hook say of who sent it: proved by themselves, to be proved by the body, or neither. */
export type Trust = 'proved' | { signature: string } | 'none';

/**
 * A bearer token or GitLab's token header proves the caller before anything is read. GitHub, Gitea, Forgejo,
 * Bitbucket, and scripts that are written for Flux's generic-hmac receiver, sign the body: it is read only where there is
 * something that may be its signature.
 */
export const trustOf = (headers: IncomingHttpHeaders, secret: string): Trust => {
  const token = bearerOf(headers.authorization) ?? first(headers['x-gitlab-token']);
  if (token !== '' && isSame(token, secret)) return 'proved';
  const signed = SIGNATURE_HEADERS.map((name) => first(headers[name])).find((value) => value !== '') ?? '';
  const signature = signed.replace(/^sha256=/, '').toLowerCase();
  return /^[0-9a-f]{64}$/.test(signature) ? { signature } : 'none';
};

/** In this order: GitHub, Bitbucket, Gitea and Forgejo, Flux. */
const SIGNATURE_HEADERS = ['x-hub-signature-256', 'x-hub-signature', 'x-gitea-signature', 'x-signature'];

/** Every forge names the event in a header of its own; Gitea and Forgejo also in GitHub's. */
const EVENT_HEADERS = ['x-github-event', 'x-gitlab-event', 'x-event-key'];
/** Pushes of branches and tags. GitLab's system hooks of all kinds have one name: those are let through. */
const PUSH_EVENTS = /^(push|push hook|tag push hook|system hook|repo:push|repo:refs_changed)$/i;

/** The event that the headers name, when it is none that brings a commit; undefined otherwise. */
export const otherEventOf = (headers: IncomingHttpHeaders): string | undefined => {
  const event = EVENT_HEADERS.map((name) => first(headers[name])).find((name) => name !== '');
  return event === undefined || PUSH_EVENTS.test(event) ? undefined : event;
};

/** The JSON text of a hook: the body itself, or the field in which GitHub sends it as a form, which is its preset. */
export const payloadOf = (headers: IncomingHttpHeaders, body: Buffer): string => {
  const text = body.toString('utf8');
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  return (isForm ? new URLSearchParams(text).get('payload') : undefined) ?? text;
};

/** What follows a repository: every GitSync, and the sets that make one for each of its folders. */
export const pushTargets = (syncs: readonly GitSync[], sets: readonly GitSyncSet[]): PushTarget[] => [
  ...syncs.map(({ metadata, spec }) => ({
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    urls: [addressOf(spec.source)],
  })),
  ...sets.flatMap(({ metadata, spec }): PushTarget[] => {
    const urls = spec.generators.flatMap(({ folders }) => (folders ? [addressOf(folders.source)] : []));
    if (urls.length === 0) return [];
    return [{ kind: 'GitSyncSet', namespace: metadata.namespace ?? '', name: metadata.name, urls }];
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
 * `https://user@Host:443/Team/shop.git/` and `git@host:team/shop.git` → `host/team/shop`: the same repository whatever
 * the protocol. The forges don't care about case either; where two repositories differ by it alone, the push of one
 * makes both fetch. '' for what is no repository URL.
 */
export const normalUrl = (text: string): string => {
  const scp = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)(\S+)$/.exec(text);
  const url = URL.parse(scp ? `ssh://${scp[1]}/${scp[2]}` : text);
  if (!url?.host) return '';
  const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return path === '' ? '' : `${url.host}${path}`.toLowerCase();
};
