/** What a seed draws before anything happens: how many of each, how patient, and which faults there are. */
import type { Policy } from '../../coordinator/decide/events.js';
import { policy as short } from '../decide/requests.js';
import { Dice } from './chance.js';
import type { Circumstances } from './checker.js';
import type { History } from './history.js';
import type { Limits as ParticipantLimits } from './limited.js';
import type { Fault } from './weather.js';

/** What a person may fix instead of leaving it to the seed; shrinking does the same. */
export interface Limits {
  readonly coordinators?: number;
  readonly transactions?: number;
  readonly without?: ReadonlySet<Fault>;
  /** On in any case, and often. */
  readonly favoured?: ReadonlySet<Fault>;
  /** Keeps the lines of the trace. */
  readonly keepTrace?: boolean;
  /** Gets what the checker gets. */
  readonly onHistory?: (history: History, circumstances: Circumstances) => void;
  /** Without clients of the SDK, without a registry: as the seeds meant it that were kept before there were any. */
  readonly plain?: boolean;
  /** All come with the client of the SDK. */
  readonly shoppers?: boolean;
  /** A failover comes as soon as somebody has read what it takes away. */
  readonly dirtyReads?: boolean;
  /** Every instance registers, and commands are signed. */
  readonly registers?: boolean;
  /** A sample of the seeds has SQLite. */
  readonly store?: 'memory' | 'sqlite';
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
  readonly favoured: ReadonlySet<Fault>;
  readonly dirtyReads: boolean;
  readonly keepTrace: boolean;
  /** Which share of the customers comes with the client of the SDK, over the network. */
  readonly clientShare: number;
  /** Instances register by the API, and commands go to where they are; else every command finds somebody by itself. */
  readonly registers: boolean;
  /** How long a registration holds. */
  readonly ttlMs: number;
  /** Commands are signed, where instances register. */
  readonly isSigned: boolean;
  /** Of the first participant, for each coordinator; null: none. */
  readonly limits: ParticipantLimits | null;
  /** So many commands for one participant wait at hand. */
  readonly atHandMax: number;
  /** In memory, or in a real file. */
  readonly store: 'memory' | 'sqlite';
}

/** One seed in so many has a real file, as its I/O takes its time. */
const sqliteEvery = 1000;

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
    clientShare: dice.chance(0.25) ? dice.one([0.3, 1]) : 0,
    registers: dice.chance(0.08),
    ttlMs: dice.one([2000, 6000, 12_000]),
    isSigned: dice.chance(0.75),
    ...(limits.shoppers && { clientShare: 1 }),
    ...(limits.registers && { registers: true, isSigned: true }),
  };
  const { without = none, favoured = none, dirtyReads = false, keepTrace = false } = limits;
  const parts = { ...drawn, ...(limits.plain ? plain : { ...busier(seed, drawn), ...crowded(seed, drawn) }) };
  const { coordinators = parts.coordinators, transactions = parts.transactions } = limits;
  const { store = seed % sqliteEvery === sqliteEvery / 2 ? 'sqlite' : 'memory' } = limits;
  const { clientShare } = limits.shoppers ? { clientShare: 1 } : parts;
  return {
    seed,
    store,
    ...parts,
    ...held(seed, store),
    clientShare,
    coordinators,
    transactions,
    without,
    favoured,
    dirtyReads,
    keepTrace,
  };
}

const none: ReadonlySet<Fault> = new Set();

const plain = Object.freeze({ clientShare: 0, registers: false, isSigned: false });

/** More transactions, of which fewer repeat themselves: who is more patient waits longer from one attempt to the next. */
function busier(seed: number, { transactions, policy }: Pick<Settings, 'transactions' | 'policy'>) {
  const dice = new Dice(seed, 'pace');
  const pace = { initialMs: dice.one([100, 200]), maxMs: dice.one([1000, 4000]), factor: dice.one([2, 3]) };
  const { retry, parkAfterMs } = policy;
  return {
    transactions: transactions + 1,
    policy: {
      ...policy,
      retry: { ...retry, ...pace },
      backoff: pace,
      parkAfterMs: Math.min(parkAfterMs, dice.one([6000, 12_000])),
    },
  };
}

/** Where commands go in batches, fewer share them. */
function crowded(
  seed: number,
  { participants, registers, isSigned }: Pick<Settings, 'participants' | 'registers' | 'isSigned'>,
) {
  return {
    participants: registers ? new Dice(seed, 'crowd').one([1, 1, 2]) : participants,
    isSigned: registers && isSigned,
  };
}

/** What holds commands back. */
function held(seed: number, store: Settings['store']): Pick<Settings, 'limits' | 'atHandMax'> {
  const dice = new Dice(seed, 'held');
  const limits = { concurrency: dice.one([1, 2, 5]), perSecond: dice.one([null, 3, 10]) };
  const isLimited = dice.chance(0.3);
  return { limits: isLimited && store === 'memory' ? limits : null, atHandMax: dice.one([1, 3, 1000]) };
}

const policyOf = (dice: Dice): Policy => ({
  ...short,
  retry: { ...short.retry, attemptsMax: dice.between(1, 6) },
  parkAfterMs: dice.one([3000, 10_000, 30_000]),
  pendingForMs: dice.one([2000, 10_000]),
  crashesMax: dice.between(2, 6),
});
