import type { Evidence } from './evidence.js';
import { type Finding, groupBy, opKey } from './finding.js';

/** I5: at most one effect per (origin, xid, branch, op), and exactly one for each op that the inbox says was done. */
export function once({ effects, inbox }: Evidence): Finding {
  const rows = groupBy(effects, opKey);
  const done = new Set(inbox.filter(({ outcome }) => outcome === 'done').map(opKey));
  const twice = [...rows].filter(([, found]) => found.length > 1);
  return {
    invariant: 'I5 once',
    checked: new Set([...rows.keys(), ...done]).size,
    violations: [
      ...twice.map(([key, found]) => `${key}: ${found.length} effects`),
      ...[...rows.keys()].filter((key) => !done.has(key)).map((key) => `${key}: an effect of an op that was not done`),
      ...[...done].filter((key) => !rows.has(key)).map((key) => `${key}: done, but without an effect`),
    ],
  };
}
