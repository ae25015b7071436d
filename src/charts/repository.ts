import { type ChartSpec, chartUrl } from '../api/helm-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import { type Found, newestIn } from './found.ts';
import { linesOfChart } from './index-lines.ts';
import { CHART_LIMITS } from './limits.ts';
import { downloadFromRegistry } from './registry.ts';
import { bytesOf, type Web } from './web.ts';

/** One version, as an index lists it. */
interface Listed {
  version: string;
  url: string;
  sha256: string | undefined;
}

/** Of an index that was read, the version that was chosen. All that it lists may be megabytes, for each chart that is followed. */
export interface KnownIndex {
  etag: string;
  newest: Listed;
}

export interface RepositoryPorts {
  web: Web;
  authorization: string | undefined;
  /** The documents of a YAML text. Rejects with ReasonError. */
  documentsOf(text: string, file: string): Promise<unknown[]>;
  /** Kept for the next question: an index that has not changed is not sent again. */
  known: { index?: KnownIndex | undefined };
}

/** The newest version of the chart by the index.yaml of its repository. Rejects with ReasonError. */
export const findInRepository = async (chart: ChartSpec, ports: RepositoryPorts): Promise<Found> => {
  const { version, url, sha256 } = await newestOf(chart, ports);
  return { version, sha256, download: () => download(url, chart, ports) };
};

const newestOf = async (chart: ChartSpec, ports: RepositoryPorts): Promise<Listed> => {
  const { web, authorization, documentsOf, known } = ports;
  const url = `${withSlash(chart.repository)}index.yaml`;
  const headers: Record<string, string> = known.index ? { 'if-none-match': known.index.etag } : {};
  const answer = await web(url, { maxBytes: CHART_LIMITS.indexBytes, headers, authorization, answers: [304] });
  if (answer.status === 304 && known.index) {
    for await (const _ of answer.body); // nothing, by HTTP
    return known.index.newest;
  }
  delete known.index;
  const [index] = await documentsOf(await linesOfChart(answer.body, chart.name), url);
  const entries = memberOf(memberOf(index, 'entries'), chart.name);
  const listed = (Array.isArray(entries) ? entries : []).flatMap((entry) => listedOf(entry, url));
  const newest = newestIn(chart, listed);
  const etag = answer.headers.etag;
  if (typeof etag === 'string') known.index = { etag, newest };
  return newest;
};

/** As servers take them. */
const LONGEST_URL = 8192;

/** What names no version or no address is as if it were not there. */
const listedOf = (entry: unknown, index: string): Listed[] => {
  const version = memberOf(entry, 'version');
  const urls = memberOf(entry, 'urls');
  const digest = memberOf(entry, 'digest');
  const [first] = Array.isArray(urls) ? (urls as unknown[]) : [];
  const url = typeof first === 'string' && first.length <= LONGEST_URL ? URL.parse(first, index) : null;
  if (typeof version !== 'string' || !url || !/^(https?|oci):$/.test(url.protocol)) return [];
  const [, sha256] = /^(?:sha256:)?([0-9a-f]{64})$/.exec(typeof digest === 'string' ? digest : '') ?? [];
  return [{ version, url: url.href, sha256 }];
};

const download = async (url: string, { repository }: ChartSpec, ports: RepositoryPorts): Promise<Buffer> => {
  // Not to the same host without encryption, either.
  const authorization = chartUrl(url)?.origin === chartUrl(repository)?.origin ? ports.authorization : undefined;
  if (!url.startsWith('oci:')) {
    return bytesOf(await ports.web(url, { maxBytes: CHART_LIMITS.archiveBytes, authorization }));
  }
  const [, at, tag] = /^(oci:\/\/.+):([\w][\w.-]{0,127})$/.exec(url) ?? [];
  if (at === undefined || tag === undefined)
    throw new ReasonError('ChartNotFound', `${url} names no tag of a registry`);
  return downloadFromRegistry(at, tag, { web: ports.web, authorization });
};

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
