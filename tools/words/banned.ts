export interface BannedWord {
  /** What must not stand in a text that people read. Case does not count. */
  word: RegExp;
  /** The term of the field that says the same. */
  use: string;
}

/**
 * Words that once stood in texts of this project and that nobody searches for, each with the term of Kubernetes, Flux,
 * Argo CD, Prometheus or the SRE workbook to write instead.
 */
export const banned: readonly BannedWord[] = [
  { word: /\bputs? (\w+ ){0,8}right\b/, use: 'restore, correct, revert to Git' },
  { word: /\banew\b/, use: 'again; recreate (of an object)' },
  { word: /\b(tells?|told|telling)\b/, use: 'report, say, show, notify' },
  { word: /\b(hears?|heard)\b/, use: 'receive, be notified' },
  { word: /\bquarrel/, use: 'drift conflict' },
  { word: /\blooked (at|into)\b/, use: 'polled (a repository), checked, inspected' },
  { word: /\b(a|one|each|next|full|per) look\b|\blooks at repositor/, use: 'poll' },
  { word: /\ba matter\b|\bmatter (is|was) closed\b/, use: 'incident' },
  { word: /\blanes?\b/, use: 'queue' },
  { word: /\b(sleeps?|sleeping|asleep)\b/, use: 'dormant (of a Hold); wait, idle' },
  { word: /\b(wakes?|woke|woken)\b/, use: 'trigger, enqueue, resume' },
  { word: /\b(rings?|ringing|rang)\b/, use: 'fire, firing' },
  { word: /\bburns? on\b|\bburn goes on\b/, use: 'the error budget is still burning' },
  { word: /\b(takes?|taken|taking|took) (\w+ ){0,6}back\b/, use: 'roll back' },
  { word: /\bwould have taken\b/, use: 'would have rolled back' },
  { word: /\binnocent\b/, use: 'NotGuilty' },
  { word: /\babstain/, use: 'Inconclusive' },
  { word: /\bescalat/, use: 'the condition NeedsPerson' },
  { word: /\btime-outs?\b/, use: 'timeout' },
  { word: /\broll-outs?\b/, use: 'rollout' },
  { word: /\bplug-ins?\b/, use: 'plugin' },
  { word: /\bcool-down\b/, use: 'cooldown' },
  { word: /\bsurplus\b/, use: 'stale' },
  { word: /\blet(s|ting)? (\w+ )?go\b/, use: 'release (ownership of a field), orphan (an object)' },
  { word: /\bseldom\b/, use: 'less often; back off' },
  { word: /\bsick\b|\bwell again\b/, use: 'unavailable, failing; recovered' },
  { word: /\bdisturb/, use: 'interrupt, affect' },
  { word: /\basked again\b/, use: 'queried again (Prometheus)' },
  { word: /\b(he|his|him)\b/, use: 'it, they, the caller' },
  { word: /\b(own|person's) words?\b/, use: 'setting, annotation, confirmation' },
];

/** Texts where a banned word is the term of somebody else. Each says whose. */
export const allowed: readonly { text: RegExp; because: string }[] = [
  { text: /\bescalate (n?or|and) bind\b|\bno escalate, no bind\b/, because: 'the verbs of RBAC' },
];
