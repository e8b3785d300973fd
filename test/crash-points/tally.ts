/** What cases came to: the closing table, and a failure as a person can read it. */
import type { Outcome } from './case.js';
import type { Case } from './cases.js';

interface Line {
  cases: number;
  boundaries: number;
  violations: number;
}

export class Tally {
  cases = 0;
  readonly failed: Case[] = [];
  readonly #byKind = new Map<string, Line>();
  readonly #fates = new Map<string, number>();
  readonly #statuses = new Map<string, number>();
  #simulatedMs = 0;

  /** False when something is wrong with it. */
  add(one: Case, { violations, reached, status, simulatedMs }: Outcome): boolean {
    const { scenario, strikes } = one;
    this.cases++;
    this.#simulatedMs += simulatedMs;
    const key = `${scenario.kind}, ${scenario.steps.length} branches`;
    const line = this.#byKind.get(key) ?? { cases: 0, boundaries: 0, violations: 0 };
    this.#byKind.set(key, line);
    line.cases++;
    line.boundaries = Math.max(line.boundaries, reached.length);
    count(this.#statuses, status);
    const last = strikes.at(-1);
    if (last) count(this.#fates, `${reached[last.at - 1]}: ${last.fate}`);
    if (violations.length === 0) return true;
    line.violations++;
    this.failed.push(one);
    return false;
  }

  /** Each sort of strike, and how often it was the last. */
  get fates(): ReadonlyMap<string, number> {
    return this.#fates;
  }

  table(seconds: number): string {
    const lines = [...this.#byKind].map(
      ([key, { cases, boundaries, violations }]) =>
        `  ${key.padEnd(24)}${String(cases).padStart(9)} cases, up to ${String(boundaries).padStart(4)} boundaries, ${violations} violations`,
    );
    return [
      `cases        ${this.cases} (${(this.cases / Math.max(seconds, 0.001)).toFixed(0)}/s), ${(this.#simulatedMs / 3_600_000).toFixed(1)} h of simulated time`,
      ...lines,
      `ended        ${[...this.#statuses].map(([status, times]) => `${status} ${times}`).join(', ')}`,
      `strikes      ${[...this.#fates].map(([fate, times]) => `${fate} ${times}`).join(', ')}`,
      `violations   ${this.failed.length}`,
    ].join('\n');
  }
}

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

export const strikesText = ({ strikes }: Case): string => strikes.map(({ at, fate }) => `${at} ${fate}`).join('; ');

/** The one command that runs it again. */
export const replayCommand = (one: Case, store = 'memory'): string =>
  `npm run crash-points -- --scenario '${one.scenario.name}' --strikes '${strikesText(one)}'${store === 'memory' ? '' : ` --store ${store}`}`;

/** What is wrong with a case, what happened in it, and how to run it again. */
export const failureOf = (one: Case, { violations, story = [] }: Outcome, store?: string): string =>
  [
    `'${one.scenario.name}' struck at ${strikesText(one) || 'no boundary'}:`,
    ...violations,
    ...story.map((line) => `    ${line}`),
    `replay: ${replayCommand(one, store)}`,
  ].join('\n');
