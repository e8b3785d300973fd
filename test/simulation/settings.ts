/** What a seed draws before anything happens: how many of each, how patient, and which faults there are. */
import type { Policy } from '../../coordinator/decide/events.js';
import { policy as short } from '../decide/requests.js';
import { Dice } from './chance.js';
import type { Fault } from './weather.js';

/** What a person may fix instead of leaving it to the seed; shrinking does the same. */
export interface Limits {
  readonly coordinators?: number;
  readonly transactions?: number;
  readonly without?: ReadonlySet<Fault>;
  /** Keeps the lines of the trace. */
  readonly keepTrace?: boolean;
}

export interface Settings {
  readonly seed: number;
  readonly coordinators: number;
  readonly participants: number;
  readonly instances: number;
  readonly transactions: number;
  readonly troubledMs: number;
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly policy: Policy;
  /** In each cell of each participant, at first. */
  readonly stock: number;
  /** Whether people look after what parked, once all trouble is over. */
  readonly peopleCome: boolean;
  readonly without: ReadonlySet<Fault>;
  readonly keepTrace: boolean;
}

export function settingsOf(seed: number, limits: Limits = {}): Settings {
  const dice = new Dice(seed, 'settings');
  const leaseMs = dice.one([2000, 4000, 10_000]);
  const drawn = {
    coordinators: dice.one([1, 2, 2, 3, 3, 4, 5]),
    participants: dice.between(1, 3),
    instances: dice.between(1, 2),
    transactions: dice.between(4, 16),
    troubledMs: dice.between(2000, 12_000),
    leaseMs,
    sweepMs: dice.one([500, 1000]),
    policy: policyOf(dice),
    stock: dice.one([5, 20, 1000]),
    peopleCome: dice.chance(0.5),
  };
  const { coordinators = drawn.coordinators, transactions = drawn.transactions } = limits;
  const { without = new Set<Fault>(), keepTrace = false } = limits;
  return { seed, ...drawn, coordinators, transactions, without, keepTrace };
}

const policyOf = (dice: Dice): Policy => ({
  ...short,
  retry: { ...short.retry, attemptsMax: dice.between(1, 6) },
  parkAfterMs: dice.one([3000, 10_000, 30_000]),
  pendingForMs: dice.one([2000, 10_000]),
  crashesMax: dice.between(2, 6),
});
