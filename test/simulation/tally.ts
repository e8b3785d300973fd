/** What many seeds came to together. It goes from one process to another as figures. */
import { addTo, type Counts, watch } from './reached.js';
import type { Outcome } from './run.js';

const sums = ['seeds', 'transactions', 'effects', 'commands', 'simulatedMs', 'sampled'] as const;
const counted = ['faults', 'statuses', 'events', 'failpoints', 'transitions'] as const;

/** A tally as plain data. */
export type Figures = Readonly<Record<(typeof sums)[number], number>> &
  Readonly<Record<(typeof counted)[number], readonly (readonly [string, number])[]>> & {
    readonly failed: readonly number[];
  };

export class Tally {
  seeds = 0;
  transactions = 0;
  effects = 0;
  commands = 0;
  simulatedMs = 0;
  /** Seeds that ran twice. */
  sampled = 0;
  readonly faults: Counts = new Map();
  readonly statuses: Counts = new Map();
  /** `phase event`, in how many seeds. */
  readonly events: Counts = new Map();
  readonly failpoints: Counts = new Map();
  /** Cells of the machine's table. */
  readonly transitions: Counts = new Map();
  /** Seeds. */
  readonly failed: number[] = [];

  add(outcome: Outcome): void {
    this.seeds++;
    this.transactions += outcome.transactions;
    this.effects += outcome.effects;
    this.commands += outcome.commands;
    this.simulatedMs += outcome.simulatedMs;
    for (const [fault, count] of outcome.faults) addTo(this.faults, fault, count);
    for (const [status, count] of outcome.statuses) addTo(this.statuses, status, count);
    for (const event of outcome.transitions) addTo(this.events, event);
    if (outcome.violations.length > 0) this.failed.push(outcome.seed);
  }

  /** Counts every failpoint and transition that is reached from here on. Returns what ends that. */
  watch(): () => void {
    return watch(this.failpoints, this.transitions);
  }

  faultsThatTookEffect(): number {
    return sumOf(this.faults.values());
  }

  /** Processes that were killed, of coordinators and participants. */
  kills(): number {
    return sumOf([...this.faults].flatMap(([fault, count]) => (/ (crashes|dies)\b/.test(fault) ? [count] : [])));
  }

  figures(): Figures {
    const { seeds, transactions, effects, commands, simulatedMs, sampled, failed } = this;
    return {
      ...{ seeds, transactions, effects, commands, simulatedMs, sampled, failed },
      faults: [...this.faults],
      statuses: [...this.statuses],
      events: [...this.events],
      failpoints: [...this.failpoints],
      transitions: [...this.transitions],
    };
  }

  /** Adds what another process came to. */
  merge(figures: Figures): void {
    for (const name of sums) this[name] += figures[name];
    for (const name of counted) for (const [key, count] of figures[name]) addTo(this[name], key, count);
    this.failed.push(...figures.failed);
  }
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
