/** A status as a merge patch writes it: null takes a field off. */
export type StatusPatch<Status> = { [Field in keyof Status]: Status[Field] | null };
