/** Runs a saga through every case, and tells what is wrong with it. */

import { casesFor, referencesFor } from './cases.js';
import { noiseOf, normalOf } from './compare.js';
import { keysOf } from './databases.js';
import { type Finding, findingsOf, type Knowledge, nameOf, signatureOf } from './findings.js';
import { checkOptions, type ExploreOptions, type Rehearsed, type Saga } from './options.js';
import { type Present, type Rehearsal, rehearse } from './rehearse.js';
import { type Failure, type Report, reportOf, storyOf } from './report.js';
import { type Schedule, titleOf } from './schedule.js';
import { type Services, servicesOf } from './services.js';
import { stopwatch } from './time.js';

/**
 * Runs `saga` once to learn which commands it sends, then again for everything that can go wrong with them: the
 * coordinator killed at each of its steps, participants stopped before their commit, steps refused, commands and answers
 * lost, repeated, late and after the end, each undo failing once. Handlers are the real ones, on the databases that
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
  const services = servicesOf(options.participants);
  try {
    const exploration = new Exploration(saga, options, services);
    await exploration.run();
    return reportOf(exploration.cases, passed(), exploration.failures);
  } finally {
    await services.close();
  }
}

class Exploration<Made extends Rehearsed> {
  cases = 0;
  readonly #saga: Saga<Made>;
  readonly #options: ExploreOptions<Made>;
  readonly #services: Services<Made>;
  readonly #failures = new Map<string, { failure: Failure; lines: number }>();
  readonly #masked: Set<string>;
  readonly #keys = new Map<string, readonly string[]>();
  readonly #references = new Map<string, ReturnType<typeof normalOf>>();
  readonly #present: Present = { monotonic: () => 0 };
  readonly #blamed = new Set<string>();

  constructor(saga: Saga<Made>, options: ExploreOptions<Made>, services: Services<Made>) {
    this.#saga = saga;
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
    const back = await this.#lookAtUndoing(plain);
    for (const schedule of casesFor(plain, back)) {
      if (this.cases >= (this.#options.casesMax ?? Number.POSITIVE_INFINITY)) return;
      this.#judge(await this.#case(schedule, false));
    }
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
    }
    return back;
  }

  #remember(rehearsal: Rehearsal): void {
    this.#references.set(signatureOf(rehearsal), normalOf(rehearsal.contents, this.#masked));
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

/** Why it is not worth to look further. */
function brokenOf(plain: Rehearsal): Finding | undefined {
  const kind = 'fails without trouble';
  const { outcomes, sagaError, stuckIn, witness } = plain;
  const failing = [...witness.errors.values()].at(0);
  const hint = '; does a handler use its database other than through tx.db?';
  if (stuckIn !== undefined) {
    const where = stuckIn === 'saga' ? undefined : nameOf(stuckIn);
    return { kind, where, what: `it did not come back${stuckIn === 'saga' ? '' : hint}` };
  }
  if (outcomes.length === 0)
    return {
      kind,
      where: undefined,
      what: `the saga opened no transaction with the client that it was given${said(sagaError)}`,
    };
  if (outcomes.every(({ status }) => status === 'committed') && sagaError === undefined) return undefined;
  if (failing) {
    const isLocked = /SQLITE_BUSY|database is locked/.test(failing.error);
    return {
      kind,
      where: nameOf(failing.site),
      what: `it failed each time it was asked: ${failing.error}${isLocked ? hint : ''}`,
    };
  }
  return { kind, where: undefined, what: `the saga was expected to commit, and did not${said(sagaError)}` };
}

const said = (error: unknown): string =>
  error === undefined ? '' : `: ${error instanceof Error ? error.message : String(error)}`;
