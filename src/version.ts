/** Set by the build. */
declare const METRICOPS_VERSION: string | undefined;

/** Of this program; `development` where nobody named one. */
export const VERSION = typeof METRICOPS_VERSION === 'string' ? METRICOPS_VERSION : 'development';
