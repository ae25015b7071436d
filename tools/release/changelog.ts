/** A commit, as git prints it. */
export interface Commit {
  hash: string;
  subject: string;
  body: string;
}

const SECTIONS = { feat: 'Added', fix: 'Fixed', perf: 'Faster' } as const;

const SUBJECT = /^(?<type>[a-z]+)(?:\((?<scope>[^)]+)\))?(?<breaks>!)?: (?<what>.+)$/;

/** What a release brings, from commits in the form of Conventional Commits: the newest first. */
export const changelogOf = (version: string, date: string, commits: readonly Commit[]): string => {
  const entries = commits.flatMap(({ hash, subject, body }) => {
    const { type, scope, breaks, what } = SUBJECT.exec(subject)?.groups ?? {};
    if (type === undefined || what === undefined) return [];
    const why = /^BREAKING CHANGE: ([\s\S]+?)(?:\n\n|(?![\s\S]))/m.exec(body)?.[1]?.replaceAll(/\s+/g, ' ');
    const where = scope === undefined ? '' : `**${scope}:** `;
    const line = `- ${where}${what} (${hash.slice(0, 8)})`;
    return [
      { type, line, breaking: breaks === '!' || why !== undefined ? `${line}${why ? `: ${why}` : ''}` : undefined },
    ];
  });
  const section = (title: string, lines: string[]): string[] =>
    lines.length === 0 ? [] : [`## ${title}\n\n${lines.join('\n')}`];
  const others = commits.length - entries.filter(({ type }) => type in SECTIONS).length;
  return `${[
    `# metricops ${version} (${date})`,
    ...section(
      'Breaking',
      entries.flatMap(({ breaking }) => breaking ?? []),
    ),
    ...Object.entries(SECTIONS).flatMap(([type, title]) =>
      section(
        title,
        entries.filter((entry) => entry.type === type).map(({ line }) => line),
      ),
    ),
    ...(others === 0 ? [] : [`${others} more commits change documentation, tests, the build or nothing that shows.`]),
  ].join('\n\n')}\n`;
};
