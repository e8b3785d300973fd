/** What many seeds came to together. */

import { armed } from '../../coordinator/faults/armed.js';
import { failpoints, fenceFailpoints } from '../../coordinator/faults/faults.js';
import type { Outcome } from './run.js';
import type { Fault } from './weather.js';

export class Tally {
  seeds = 0;
  transactions = 0;
  effects = 0;
  commands = 0;
  simulatedMs = 0;
  readonly faults = new Map<Fault, number>();
  readonly statuses = new Map<string, number>();
  readonly transitions = new Set<string>();
  readonly failpoints = new Map<string, number>();
  readonly failed: Outcome[] = [];

  add(outcome: Outcome): void {
    this.seeds++;
    this.transactions += outcome.transactions;
    this.effects += outcome.effects;
    this.commands += outcome.commands;
    this.simulatedMs += outcome.simulatedMs;
    addAll(this.faults, outcome.faults);
    addAll(this.statuses, outcome.statuses);
    for (const transition of outcome.transitions) this.transitions.add(transition);
    if (outcome.violations.length > 0) this.failed.push(outcome);
  }

  /** Counts every failpoint that is reached from here on. Returns what ends that. */
  watchFailpoints(): () => void {
    const before = armed.onReach;
    armed.onReach = (name) => void this.failpoints.set(name, (this.failpoints.get(name) ?? 0) + 1);
    return () => {
      armed.onReach = before;
    };
  }

  faultsThatTookEffect(): number {
    let sum = 0;
    for (const count of this.faults.values()) sum += count;
    return sum;
  }
}

/** Reached on the local way only; the fence's are those of the SQL tables. */
export const namedFailpoints: readonly string[] = [...failpoints, ...fenceFailpoints];

function addAll<K>(into: Map<K, number>, from: ReadonlyMap<K, number>): void {
  for (const [key, count] of from) into.set(key, (into.get(key) ?? 0) + count);
}
