/** How somebody is known to a server. */
export interface Login {
  username?: string;
  password?: string;
  /** Sent as a bearer token; wins over username and password. */
  token?: string;
}

/** Of the header Authorization; undefined for nobody. */
export const authorizationOf = ({ token, username, password }: Login = {}): string | undefined => {
  if (token !== undefined) return `Bearer ${token}`;
  if (username === undefined && password === undefined) return undefined;
  return `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}`;
};

/** Why a server can't be reached, in words. */
export const reasonsOf = (error: unknown): string =>
  [error, (error as Error).cause]
    .filter((e): e is Error & { code?: string } => e instanceof Error)
    .map((e) => e.message || (e.code ?? e.name)) // Node's own network errors can come without a message
    .join(': ');

/**
 * The body of an answer, as far as it is taken.
 *
 * @param ends.reached does the reading, and words what goes wrong with it
 * @param ends.tooLarge what is thrown for a longer one
 */
export async function* atMost(
  body: AsyncIterable<Buffer>,
  maxBytes: number,
  ends: { reached: <T>(work: () => Promise<T>) => Promise<T>; tooLarge: () => Error },
): AsyncGenerator<Buffer> {
  let total = 0;
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await ends.reached(() => chunks.next());
      if (done) return;
      total += value.length;
      if (total > maxBytes) throw ends.tooLarge();
      yield value;
    }
  } finally {
    await chunks.return?.();
  }
}
