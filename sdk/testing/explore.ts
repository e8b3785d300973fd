/** Runs a saga through every case, and tells what is wrong with it. */

import { brokenOf } from './broken.js';
import { casesFor, referencesFor } from './cases.js';
import { noiseOf } from './compare.js';
import { keysOf } from './databases.js';
import type { Finding, Knowledge, Reference } from './finding.js';
import { findingsOf, referenceOf, signatureOf } from './findings.js';
import { checkOptions, type ExploreOptions, type Rehearsed, type Saga } from './options.js';
import { findingOfOthers } from './others.js';
import { Pairs } from './pairs.js';
import { Present } from './present.js';
import type { Rehearsal } from './rehearsal.js';
import { rehearse } from './rehearse.js';
import { type Failure, type Report, reportOf, storyOf } from './report.js';
import { type Schedule, stepPhase, titleOf } from './schedule.js';
import { type Services, servicesOf } from './services.js';
import { stopwatch } from './time.js';

/**
 * Runs `saga` once to learn which commands it sends, then again for everything that can go wrong with them: the
 * coordinator killed at each of its steps, participants stopped before their commit, steps refused, commands and answers
 * lost, repeated, late and after the end, each undo failing once; then, when nothing is wrong so far, for a
 * second trouble while the first is being dealt with (`pairsMax`). Handlers are the real ones, on the databases that
 * `participants` makes; time is skipped. The same saga gives the same cases and stories each time.
 *
 * Resolves with the report when nothing is wrong. Rejects with {@link UnsafeSaga}, whose message tells a story for each
 * thing that is, with TypeError for wrong options, and with what `participants`, `reset` and `close` throw.
 */
export async function explore<Made extends Rehearsed>(
  saga: Saga<Made>,
  options: ExploreOptions<Made>,
): Promise<Report> {
  const report = await examine(saga, options);
  report.assert();
  return report;
}

/** The same, and resolves with the report whatever it says. */
export async function examine<Made extends Rehearsed>(
  saga: Saga<Made>,
  options: ExploreOptions<Made>,
): Promise<Report> {
  checkOptions(saga, options);
  const passed = stopwatch();
  const present = new Present();
  const services = servicesOf(options.participants, present);
  try {
    const exploration = new Exploration(saga, options, services, present);
    await exploration.run();
    const { cases, pairs, failures } = exploration;
    return reportOf({ cases, pairs, durationMs: passed(), failures });
  } finally {
    await services.close();
  }
}

/** So that a saga of three steps on SQLite takes seconds. */
const pairsMaxDefault = 100;

class Exploration<Made extends Rehearsed> {
  cases = 0;
  pairs = { run: 0, of: 0 };
  readonly #saga: Saga<Made>;
  readonly #options: ExploreOptions<Made>;
  readonly #services: Services<Made>;
  readonly #failures = new Map<string, { failure: Failure; lines: number }>();
  readonly #masked: Set<string>;
  readonly #keys = new Map<string, readonly string[]>();
  readonly #references = new Map<string, Reference>();
  readonly #present: Present;
  readonly #pairs = new Pairs();
  readonly #blamed = new Set<string>();

  constructor(saga: Saga<Made>, options: ExploreOptions<Made>, services: Services<Made>, present: Present) {
    this.#saga = saga;
    this.#present = present;
    this.#options = options;
    this.#services = services;
    this.#masked = new Set(options.keeps ?? []);
  }

  get failures(): readonly Failure[] {
    return [...this.#failures.values()].map(({ failure }) => failure);
  }

  async run(): Promise<void> {
    const plain = await this.#learn();
    if (!plain) return;
    const { casesMax = Number.POSITIVE_INFINITY, pairsMax = pairsMaxDefault } = this.#options;
    const back = await this.#lookAtUndoing(plain);
    if (this.#options.meanwhile) for (const way of waysToSettle(plain, back)) await this.#lookAtOthers(way);
    for (const schedule of casesFor(plain, back)) {
      if (this.cases >= casesMax) return;
      const rehearsal = await this.#case(schedule, false);
      this.#judge(rehearsal);
      this.#pairs.draw(rehearsal);
    }
    const pairs = this.#pairs.inTurns();
    // What one trouble shows, two show again, at greater length.
    const chosen = this.#failures.size > 0 ? [] : pairs.slice(0, pairsMax);
    this.pairs = { run: chosen.length, of: pairs.length };
    for (const schedule of chosen) this.#judge(await this.#case(schedule, false));
  }

  /** How it is when nothing goes wrong; undefined when it does not even work then. */
  async #learn(): Promise<Rehearsal | undefined> {
    const plain = await this.#case([], true);
    const broken = brokenOf(plain);
    if (broken) {
      this.#note(plain, broken);
      return undefined;
    }
    // Twice, as what is different then is different by itself.
    const twin = await this.#case([], false);
    for (const column of noiseOf(plain.contents, twin.contents)) this.#masked.add(column);
    this.#remember(plain);
    this.#judge(plain);
    this.#pairs.know(plain);
    return plain;
  }

  /** The cases that others are compared with. Returns the one with the longest way back. */
  async #lookAtUndoing(plain: Rehearsal): Promise<Rehearsal | undefined> {
    let back: Rehearsal | undefined;
    for (const schedule of referencesFor(plain)) {
      const rehearsal = await this.#case(schedule, true);
      if (!this.#references.has(signatureOf(rehearsal))) this.#remember(rehearsal);
      this.#judge(rehearsal);
      if (rehearsal.outcomes.some(({ decision }) => decision === 'rollback')) back ??= rehearsal;
      if (rehearsal === back) this.#pairs.know(rehearsal);
      else this.#pairs.draw(rehearsal);
    }
    return back;
  }

  /** Whether what others committed in between is there at the end as if they had committed it before. */
  async #lookAtOthers(schedule: Schedule): Promise<void> {
    const first = await this.#case([...schedule, { kind: 'meanwhile', when: 'before' }], false);
    const between = await this.#case([...schedule, { kind: 'meanwhile', when: 'in between' }], true);
    const finding = findingOfOthers(first, between, this.#masked);
    if (finding) this.#note(between, finding);
  }

  #remember(rehearsal: Rehearsal): void {
    this.#references.set(signatureOf(rehearsal), referenceOf(rehearsal, this.#masked));
  }

  async #case(schedule: Schedule, looks: boolean): Promise<Rehearsal> {
    this.cases++;
    const made = await this.#services.next();
    const parts = { saga: this.#saga, options: this.#options, made, schedule, looks, present: this.#present };
    const rehearsal = await rehearse(parts);
    if (this.#keys.size === 0 && rehearsal.stuckIn === undefined)
      for (const [table, key] of await keysOf(rehearsal.databases)) this.#keys.set(table, key);
    await this.#services.done(rehearsal.stuckIn === undefined);
    return rehearsal;
  }

  #judge(rehearsal: Rehearsal): void {
    const knowledge: Knowledge = {
      masked: this.#masked,
      keys: this.#keys,
      references: this.#references,
      blamed: this.#blamed,
    };
    for (const finding of findingsOf(rehearsal, knowledge)) this.#note(rehearsal, finding);
  }

  /** Each wrong thing once, by its shortest story. */
  #note(rehearsal: Rehearsal, finding: Finding): void {
    const key = finding.kind === 'invariant' ? finding.kind : `${finding.kind} ${finding.where ?? finding.what}`;
    const known = this.#failures.get(key);
    const cases = (known?.failure.cases ?? 0) + 1;
    const { lines } = rehearsal;
    if (known && known.lines <= lines.length) {
      known.failure = { ...known.failure, cases };
      return;
    }
    const failure = { ...finding, trouble: titleOf(rehearsal.schedule), story: storyOf(lines, finding), cases };
    this.#failures.set(key, { failure, lines: lines.length });
    if (finding.kind === 'undo missing' || finding.kind === 'undo incomplete')
      this.#blamed.add((finding.where ?? '').replace(/^the .* of /, ''));
  }
}

/** Those on which there is something after the forward ops that may overwrite what others did. */
const waysToSettle = (...ways: readonly (Rehearsal | undefined)[]): readonly Schedule[] =>
  ways.flatMap((way) => (way?.steps.some((step) => stepPhase(step) !== 'forward') ? [way.schedule] : []));
