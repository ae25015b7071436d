/** What one chart repository, or registry, may cost. */
export const CHART_LIMITS = {
  /** Of an index.yaml on the wire; it is read as a stream, of which the lines of one chart are kept. */
  indexBytes: 50 * 1024 * 1024,
  /** Of these lines. */
  entryBytes: 4 * 1024 * 1024,
  /** Of an archive; kube-prometheus-stack has 0.8 MB. */
  archiveBytes: 4 * 1024 * 1024,
  /** Of all archives in memory. */
  archivesBytes: 16 * 1024 * 1024,
  /** Of all archives on disk, beside the mirrors of Git. */
  storedBytes: 64 * 1024 * 1024,
  /** Of a manifest, a token or a list of tags. */
  answerBytes: 4 * 1024 * 1024,
  /** Of a list of tags: many registries give a hundred on a page, whatever they are asked for. */
  pages: 200,
  tags: 20_000,
  redirects: 5,
  /** Looks at a time: in all, of one namespace, and at one host. */
  looks: { concurrency: 4, perGroup: 2, perHost: 2 },
  /** One request with its answer, whatever spec.timeout says. */
  requestMs: 60_000,
  /** All requests of one look, or of one download. */
  lookMs: 300_000,
};
