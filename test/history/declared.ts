/**
 * What isolation each kind gives. A branch commits in its own database at once, so what other transactions can see meanwhile
 * follows from the kind alone. Whatever is not declared here must never be seen.
 */
import { type Kind, kindNames } from '../../sdk/protocol/kinds.js';

/** In the words of Adya, as Elle names them, and three of a bank. */
export const anomalies = [
  /** Two transactions wrote in one order here and in the other there. */
  'G0',
  /** Something was read that was undone later. */
  'G1a',
  /** Something was read that its writer wrote on after that. */
  'G1b',
  /** Each of a circle read from, or wrote after, the one before. */
  'G1c',
  /** Read skew: a circle in which one overlooked the other once. */
  'G-single',
  /** Write skew: a circle in which they overlooked each other. */
  'G2-item',
  /** Read, then written by another, then written upon what was read. */
  'lost update',
  /** Something was read before its writer was decided. */
  'dirty read',
  /** Balances do not add up because of what is not decided. */
  'dirty total',
  /** Balances do not add up because of what is decided and half done. */
  'torn total',
] as const;
export type Anomaly = (typeof anomalies)[number];

/** Nothing of what several transactions do together is ordered: each circle is possible. */
const circles = ['G0', 'G1b', 'G1c', 'G-single', 'G2-item', 'lost update'] as const satisfies readonly Anomaly[];

export const declared: Readonly<Record<Kind, ReadonlySet<Anomaly>>> = Object.freeze({
  /** Steps are seen at once, and compensated ones were seen. */
  saga: new Set<Anomaly>([...circles, 'G1a', 'dirty read', 'dirty total', 'torn total']),
  /** A reservation is not shown: what is seen is decided, and never undone. Confirmations come one by one. */
  tcc: new Set<Anomaly>([...circles, 'torn total']),
  /** Every lock is held until the second phase: with serializable databases, nothing. */
  xa: new Set<Anomaly>(),
  /** Rows written are locked until the decision, rows read are not: no dirty write, every dirty read. */
  at: new Set<Anomaly>([
    'G1a',
    'G1b',
    'G1c',
    'G-single',
    'G2-item',
    'lost update',
    'dirty read',
    'dirty total',
    // While it is undone, one branch after the other.
    'torn total',
  ]),
  /** Delivered after the decision, one by one, and never undone. */
  message: new Set<Anomaly>([...circles, 'torn total']),
});

/** Where branches of several kinds make an anomaly together, the weakest of them says what is possible. */
export const isDeclared = (anomaly: Anomaly, mask: number): boolean =>
  kindsIn(mask).some((kind) => declared[kind].has(anomaly));

export const bitOf = (kind: Kind): number => 1 << kindNames.indexOf(kind);
export const kindsIn = (mask: number): readonly Kind[] => kindNames.filter((_, index) => mask & (1 << index));
export const nameOf = (mask: number): string => kindsIn(mask).join('+');
