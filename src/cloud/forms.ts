export const FORM = { 'content-type': 'application/x-www-form-urlencoded' } as const;
