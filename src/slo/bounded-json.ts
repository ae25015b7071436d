import { PrometheusError } from './answer.ts';

/**
 * The JSON of an answer, whatever it is. Throws PrometheusError where there is none, and where the answer is longer than
 * may be read: what comes after that is not received.
 *
 * @param bound.advice what to do where the answer is too long, for a person
 */
export const boundedJson = async (
  { statusCode, body }: { statusCode: number; body: AsyncIterable<Buffer> },
  { maxBytes, advice }: { maxBytes: number; advice: string },
): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop early cuts the connection.
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new PrometheusError('ExpressionRefused', `the answer is over ${maxBytes / 1024 / 1024} MiB; ${advice}`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (cause) {
    const hint = statusCode === 401 || statusCode === 403 ? '; check METRICOPS_PROMETHEUS_TOKEN' : '';
    const message = `Prometheus answered ${statusCode}, and no JSON${hint}`;
    throw new PrometheusError('PrometheusUnreachable', message, { cause });
  }
};
