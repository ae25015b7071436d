import type { ChartSpec } from '../api/helm-spec.ts';
import { ReasonError } from '../api/reason-error.ts';
import { versionOf } from '../api/version-range.ts';
import { type Found, newestIn } from './found.ts';
import { CHART_LIMITS } from './limits.ts';
import { createAsk, type RegistryPorts } from './registry-token.ts';
import { bytesOf, jsonOf, type Web } from './web.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CHART_LAYERS = ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip'];
const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** The newest version of the chart by the tags of its registry. Rejects with ReasonError. */
export const findInRegistry = async (chart: ChartSpec, ports: RegistryPorts): Promise<Found> => {
  const { ask, api } = at(`${chart.repository.replace(/\/+$/, '')}/${chart.name}`, ports);
  const { version, tag } = await tagOf(chart, api, ask);
  const layer = await layerOf(api, tag, ask);
  return { version, sha256: layer.sha256, download: () => blobOf(api, layer, ask) };
};

/** The chart with this tag. @param repository `oci://HOST/PATH` */
export const downloadFromRegistry = async (repository: string, tag: string, ports: RegistryPorts): Promise<Buffer> => {
  const { ask, api } = at(repository, ports);
  return blobOf(api, await layerOf(api, tag, ask), ask);
};

/** Where the API of a registry has a repository: https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
const at = (repository: string, ports: RegistryPorts): { ask: Web; api: string } => {
  const { host, pathname } = new URL(repository.replace(/^oci:/, 'https:'));
  const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
  const path = pathname
    .split('/')
    .filter((part) => part !== '')
    .join('/');
  return { api: `https://${server}/v2/${path}`, ask: createAsk(path, ports) };
};

/** A tag has no +: Helm writes _ in its place. */
const tagOf = async (chart: ChartSpec, api: string, ask: Web): Promise<{ version: string; tag: string }> => {
  const { version } = chart;
  if (versionOf(version)) return { version, tag: version.replaceAll('+', '_') };
  const tags: { version: string; tag: string }[] = [];
  let url: string | undefined = `${api}/tags/list?n=1000`;
  for (let pages = 1; url !== undefined; pages += 1) {
    const answer = await ask(url, { maxBytes: CHART_LIMITS.answerBytes });
    const { tags: listed } = await jsonOf(answer);
    const texts = (Array.isArray(listed) ? listed : []).filter((tag) => typeof tag === 'string');
    url = nextOf(answer.headers.link, url, api);
    // The newest one may be among those that would be left out.
    if (tags.length + texts.length > CHART_LIMITS.tags) throw tooMany(api, `${CHART_LIMITS.tags} tags`);
    if (url !== undefined && pages >= CHART_LIMITS.pages) throw tooMany(api, `${CHART_LIMITS.pages} pages of tags`);
    tags.push(...texts.map((tag) => ({ version: tag.replaceAll('_', '+'), tag })));
  }
  return newestIn(chart, tags);
};

const tooMany = (api: string, what: string): ReasonError =>
  new ReasonError(
    'ChartRefused',
    `${api}/tags/list has more than ${what}, which are not read: name one version in spec.render.helm.chart.version`,
  );

/**
 * `</v2/charts/web/tags/list?last=1.0.0&n=1000>; rel="next"`: at the registry that was asked, whoever answered for it. Another
 * host would get the credentials, and without its page the newest version may be missing.
 */
const nextOf = (link: string | string[] | undefined, asked: string, api: string): string | undefined => {
  const [, target] = /<([^<>]+)>\s*;[^,<>]*\brel="?next"?/.exec([link].flat().join(', ')) ?? [];
  if (target === undefined) return undefined;
  const home = new URL(asked);
  const next = URL.parse(target, asked);
  // A registry behind a proxy for TLS takes itself for one without.
  if (next?.protocol === 'http:' && next.port === '' && next.host === home.host) next.protocol = home.protocol;
  if (next?.origin === home.origin) return next.href;
  const where = next ? next.origin : 'what is no address';
  throw new ReasonError(
    'ChartRefused',
    `${api}/tags/list goes on at ${where}, which is not asked: name one version in spec.render.helm.chart.version`,
  );
};

interface Layer {
  digest: string;
  sha256: string;
}

const layerOf = async (api: string, tag: string, ask: Web): Promise<Layer> => {
  const url = `${api}/manifests/${tag}`;
  const headers = { accept: MANIFEST };
  const { layers } = await jsonOf(await ask(url, { maxBytes: CHART_LIMITS.answerBytes, headers }));
  for (const layer of Array.isArray(layers) ? (layers as { mediaType?: unknown; digest?: unknown }[]) : []) {
    const [, sha256] = DIGEST.exec(typeof layer?.digest === 'string' ? layer.digest : '') ?? [];
    if (sha256 !== undefined && CHART_LAYERS.includes(String(layer.mediaType)))
      return { digest: `sha256:${sha256}`, sha256 };
  }
  throw new ReasonError('ChartNotFound', `${url} is no Helm chart: it has no layer of the type ${CHART_LAYERS[0]}`);
};

const blobOf = async (api: string, { digest }: Layer, ask: Web): Promise<Buffer> =>
  bytesOf(await ask(`${api}/blobs/${digest}`, { maxBytes: CHART_LIMITS.archiveBytes }));
