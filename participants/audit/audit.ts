import { atomic } from './atomic.js';
import { conserved } from './conserved.js';
import { type Databases, type Evidence, readEvidence } from './evidence.js';
import type { Finding, Told } from './finding.js';
import { once } from './once.js';
import { paired } from './paired.js';

export type { Databases, Evidence } from './evidence.js';
export type { Finding, Told } from './finding.js';

/**
 * Opens the services' databases read-only and checks what must be true of them, whatever failed on the way, given
 * every transaction that the coordinator knows.
 */
export const audit = async (databases: Databases, told: readonly Told[]): Promise<readonly Finding[]> =>
  check(await readEvidence(databases), told);

/** Pure: what the rows say. */
export const check = (evidence: Evidence, told: readonly Told[]): readonly Finding[] => [
  atomic(evidence, told),
  once(evidence),
  paired(evidence),
  conserved(evidence),
];
