/** A refusal by the API server (its Status object), or the failure to reach it (status 0). */
export class KubeError extends Error {
  override name = 'KubeError';
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Status.reason: NotFound, Conflict, AlreadyExists, Invalid, Forbidden, Expired, TooManyRequests, ... */
  readonly reason: string;
  readonly details: unknown;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    message: string,
    options: {
      status: number;
      reason: string;
      details?: unknown;
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
    this.reason = options.reason;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

const hasStatus = (error: unknown, status: number): boolean => error instanceof KubeError && error.status === status;

/** 409: the object exists already, or is not at the resourceVersion that the write was made for. */
export const isConflict = (error: unknown): boolean => hasStatus(error, 409);
/** RBAC or an admission plugin says no. */
export const isForbidden = (error: unknown): error is KubeError => error instanceof KubeError && error.status === 403;
export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);
/** 410: the resourceVersion is too old; list again. */
export const isExpired = (error: unknown): boolean => hasStatus(error, 410);
/** The API server rejected the object: repeating the same request is useless. */
export const isRejected = (error: unknown): boolean =>
  error instanceof KubeError &&
  ([400, 403, 404, 405, 413, 415, 422].includes(error.status) ||
    // Server-side apply answers a field of a wrong type with 500.
    (error.status === 500 && /^failed to (create typed patch|convert new) object/.test(error.message)) ||
    // So it does an object that etcd does not take.
    (error.status === 500 && /request is too large|message larger than max/.test(error.message)));

/** Whether the write may have been done although it failed: its answer was lost, or the server gave up waiting. */
export const mayBeWritten = (error: unknown): boolean =>
  !(
    error instanceof KubeError &&
    ((error.status >= 400 && error.status < 500) || isRejected(error) || /failed calling webhook/.test(error.message))
  );

/** 404 that is no Status object: not the object is missing, but its kind. */
export const isNoMatch = (error: unknown): boolean =>
  error instanceof KubeError && error.status === 404 && error.reason === 'HTTP404';

/** 403 of a namespace that is being deleted: it takes nothing new, and nothing is missing for it. */
export const isTerminating = (error: unknown): boolean => {
  if (!(error instanceof KubeError) || error.status !== 403) return false;
  const { causes } = (error.details ?? {}) as { causes?: { reason?: string }[] };
  return Array.isArray(causes) && causes.some((cause) => cause?.reason === 'NamespaceTerminating');
};

/** No answer: a network error or a timeout. */
export const unreachable = (cause: unknown): KubeError => {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new KubeError(`no answer from the API server: ${reason}`, { status: 0, reason: 'Unreachable', cause });
};

/**
 * Server-side apply quotes a value of a wrong type (`expected string, got &value{...}`), which may be a password, in a
 * Secret or in an environment variable: nobody may see it in a status, an event or the log.
 */
export const withoutValues = (error: unknown): unknown => {
  if (!(error instanceof KubeError) || !QUOTING.test(error.message)) return error;
  const { status, reason, retryAfterSeconds } = error;
  const message = error.message.replace(QUOTED, ', got a value of another type (not shown)');
  return new KubeError(message, { status, reason, retryAfterSeconds });
};

/** Its own errors; what an admission webhook says is passed on as it is. */
const QUOTING = /^failed to [\s\S]*, got /;
/** Values may have several lines. */
const QUOTED = /, got [\s\S]*$/;

/** KubeError of an answer that is not 2xx; the body is a Status object, or whatever a proxy on the way said. */
export const errorFromAnswer = (status: number, body: string, retryAfter: string | undefined): KubeError => {
  const parsed = parseStatus(body);
  const seconds = Number(retryAfter ?? parsed?.details?.retryAfterSeconds);
  return new KubeError(parsed?.message ?? (body.slice(0, 300) || `HTTP ${status}`), {
    status,
    reason: parsed?.reason ?? `HTTP${status}`,
    details: parsed?.details,
    retryAfterSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined,
  });
};

const parseStatus = (
  body: string,
): { message?: string; reason?: string; details?: { retryAfterSeconds?: number } } | undefined => {
  try {
    const value = JSON.parse(body) as { kind?: string };
    return value.kind === 'Status' ? (value as object) : undefined;
  } catch {
    return undefined; // not JSON: a proxy or the network spoke
  }
};
