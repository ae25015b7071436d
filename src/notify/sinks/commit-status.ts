import type { SinkName } from '../../api/notification.ts';
import type { CommitNote, Notice } from '../notice.ts';
import type { SinkRequest } from '../post.ts';
import { cut, linksOf } from './words.ts';

/** One forge: how its API takes the status of a commit. */
interface Forge {
  /** @param path of the repository, e.g. shop/web */
  url: (base: string, path: string, sha: string) => string;
  headers: (token: string) => Record<string, string>;
  body: (status: Status) => Record<string, string>;
  /** The host of its repositories, where its API has another one. */
  repositoryHost?: (apiHost: string) => string;
  isKnown?: SinkRequest['isKnown'];
}

interface Status {
  state: CommitNote['state'];
  context: string;
  description: string;
  targetUrl: string | undefined;
}

const FORGES: Record<Extract<SinkName, 'gitHub' | 'gitLab' | 'gitea'>, Forge> = {
  /** https://docs.github.com/en/rest/commits/statuses#create-a-commit-status */
  gitHub: {
    url: (base, path, sha) => `${base}/repos/${path}/statuses/${sha}`,
    headers: (token) => ({
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
    }),
    body: ({ state, context, description, targetUrl }) => ({
      state,
      context,
      description: cut(description, 140),
      ...(targetUrl === undefined ? {} : { target_url: targetUrl }),
    }),
    repositoryHost: (apiHost) => apiHost.replace(/^api\./, ''),
  },
  /** https://docs.gitlab.com/api/commits/#set-commit-pipeline-status */
  gitLab: {
    url: (base, path, sha) => `${base}/api/v4/projects/${path.replaceAll('/', '%2F')}/statuses/${sha}`,
    headers: (token) => ({ 'private-token': token }),
    body: ({ state, context, description, targetUrl }) => ({
      state: state === 'failure' ? 'failed' : state,
      name: context,
      description: cut(description, 255),
      ...(targetUrl === undefined ? {} : { target_url: targetUrl }),
    }),
    // The same state once more.
    isKnown: (status, text) => status === 400 && text.includes('Cannot transition status'),
  },
  /** CreateStatusOption of https://docs.gitea.com/api; the same in Forgejo. */
  gitea: {
    url: (base, path, sha) => `${base}/api/v1/repos/${path}/statuses/${sha}`,
    headers: (token) => ({ authorization: `token ${token}` }),
    body: ({ state, context, description, targetUrl }) => ({
      state,
      context,
      description: cut(description, 255),
      ...(targetUrl === undefined ? {} : { target_url: targetUrl }),
    }),
  },
};

export type ForgeName = keyof typeof FORGES;

/** GitLab takes no longer one. */
const MAX_LINK = 255;

/**
 * A status for each commit of the notice whose repository this forge has. The same status twice is one: the context names
 * the workload.
 *
 * @param isVisible whether the Notification may say where the GitSync of this namespace gets its commits from
 */
export const commitStatuses = (
  notice: Notice,
  name: ForgeName,
  { url, token, isVisible }: { url: URL; token: string; isVisible: (namespace: string) => boolean },
): SinkRequest[] => {
  const forge = FORGES[name];
  const base = url.href.replace(/\/+$/, '');
  const host = forge.repositoryHost?.(url.host) ?? url.host;
  return notice.commits.flatMap(({ sha, repository, syncNamespace, workload, state, description }) => {
    const place = URL.parse(repository);
    if (!place || place.host !== host || !isVisible(syncNamespace) || !/^[0-9a-f]{40,64}$/.test(sha)) return [];
    const status = {
      state,
      context: `metricops/${notice.namespace}/${workload.kind.toLowerCase()}/${workload.name}`,
      description,
      targetUrl: linksOf(notice).find(([, link]) => link.length <= MAX_LINK)?.[1],
    };
    return [
      {
        url: new URL(forge.url(base, pathOf(place), sha)),
        headers: { 'content-type': 'application/json', 'user-agent': 'metricops', ...forge.headers(token) },
        body: JSON.stringify(forge.body(status)),
        ...(forge.isKnown ? { isKnown: forge.isKnown } : {}),
      },
    ];
  });
};

/** Percent-encoded, as it stands in the URL of the repository. */
const pathOf = ({ pathname }: URL): string => pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
