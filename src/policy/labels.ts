export type Labels = Readonly<Record<string, string>>;

/** Whether an object with these labels has all that are wanted, as matchLabels means it: nothing wanted is had by all. */
export const hasLabels = (wanted: Labels, labels: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** Whether an alert with these labels is meant. Without any wanted label none is, rather than every alert. */
export const claimsAlert = (wanted: Labels | undefined, labels: Labels): boolean =>
  wanted !== undefined && Object.keys(wanted).length > 0 && hasLabels(wanted, labels);
