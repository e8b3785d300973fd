/**
 * A test runner for Stryker that keeps a room's tests loaded in one process and runs only those that reach a mutant.
 * AVA would begin a process for each file and each mutant, which costs a hundred times as much.
 */
import { register } from 'node:module';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { loadTests, type Registered, runTest } from './ava.js';

/** What the instrumented code and the runner tell each other. */
interface Instrumented {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: unknown;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
}

interface MutantRun {
  readonly activeMutant: { readonly id: string };
  readonly testFilter?: readonly string[];
  readonly hitLimit?: number;
}

const success = 0;
const failed = 1;

/** Of one test. None takes a third of it, on a busy machine too. */
const testMsMax = 60_000;
/** How long a test may wait while nothing is under way. A thread of SQLite's that waits for a lock does not show. */
const idleMsMax = 3000;
const lookMs = 100;
/** Of these: less is the looking itself. */
const activeMsMin = 2;
const hangs = new Error('the test waits for nothing');
const runsOn = new Error(`the test does not end within ${testMsMax} ms`);

export class RoomRunner {
  static inject = ['options'] as const;
  readonly #names: readonly string[];
  readonly #told: Instrumented;
  #tests: readonly Registered[] | undefined;
  #uncaught: unknown;
  /** A test was left running here. */
  #isSpoiled = false;

  constructor({ tests }: { readonly tests: readonly string[] }) {
    this.#names = tests;
    const world = globalThis as { __stryker__?: Instrumented };
    world.__stryker__ ??= {};
    this.#told = world.__stryker__;
    const uncaught = (error: unknown) => {
      this.#uncaught ??= error ?? new Error('rejected with nothing');
    };
    process.on('uncaughtException', uncaught).on('unhandledRejection', uncaught);
  }

  /** What is decided when a file is loaded takes a new process. */
  capabilities = () => ({ reloadEnvironment: false });

  async dryRun(): Promise<object> {
    const tests = [];
    for (const test of await this.#load()) {
      const begun = performance.now();
      this.#told.currentTestId = test.id;
      const error = await this.#errorOf(test);
      this.#told.currentTestId = undefined;
      const ran = { id: test.id, name: test.id, timeSpentMs: performance.now() - begun };
      tests.push(error ? { ...ran, status: failed, failureMessage: shown(error) } : { ...ran, status: success });
    }
    return { status: 'complete', tests, mutantCoverage: this.#told.mutantCoverage };
  }

  async mutantRun({ activeMutant: { id }, testFilter, hitLimit }: MutantRun): Promise<object> {
    Object.assign(this.#told, { activeMutant: id, hitLimit, hitCount: hitLimit === undefined ? undefined : 0 });
    // Stryker begins a new process and tries again.
    if (this.#isSpoiled) throw runsOn;
    // For processes that a test begins.
    process.env.__STRYKER_ACTIVE_MUTANT__ = id;
    const tests = await this.#load().catch((error: unknown) => ({ error }));
    if ('error' in tests)
      return { status: 'killed', killedBy: ['loading'], failureMessage: shown(tests.error), nrOfTests: 1 };
    const wanted = testFilter && new Set(testFilter);
    let nrOfTests = 0;
    for (const test of tests) {
      if (wanted && !wanted.has(test.id)) continue;
      nrOfTests++;
      const error = await this.#errorOf(test);
      if ((this.#told.hitCount ?? 0) > (hitLimit ?? Number.POSITIVE_INFINITY))
        return { status: 'timeout', reason: 'it goes on and on' };
      if (error instanceof Error && (error === hangs || error === runsOn))
        return { status: 'timeout', reason: `${test.id}: ${error.message}` };
      if (error) return { status: 'killed', killedBy: [test.id], failureMessage: shown(error), nrOfTests };
    }
    return { status: 'survived', nrOfTests };
  }

  async #load(): Promise<readonly Registered[]> {
    if (this.#tests) return this.#tests;
    register('./hooks.js', import.meta.url);
    const urls = this.#names.map((name) => pathToFileURL(path.resolve(`dist/test/${name}.test.js`)));
    this.#tests = await loadTests(urls);
    return this.#tests;
  }

  async #errorOf(test: Registered): Promise<unknown> {
    this.#uncaught = undefined;
    const watch = watchForHanging();
    try {
      await runTest(test, watch.hanging);
    } catch (error) {
      this.#isSpoiled ||= error === runsOn;
      return error ?? new Error('threw nothing');
    } finally {
      watch.stop();
    }
    // What was left to itself may still fail.
    await turn();
    return this.#uncaught;
  }
}

/** Rejects when what a test waits for cannot come any more, or takes far too long. */
function watchForHanging(): { readonly hanging: Promise<never>; stop(): void } {
  const begun = performance.now();
  const before = underWay();
  let last = performance.eventLoopUtilization();
  let idleMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const hanging = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      const now = performance.eventLoopUtilization();
      const isAtWork = underWay() > before || now.active - last.active > activeMsMin;
      last = now;
      idleMs = isAtWork ? 0 : idleMs + lookMs;
      if (idleMs >= idleMsMax) reject(hangs);
      if (performance.now() - begun >= testMsMax) reject(runsOn);
    }, lookMs);
  });
  return { hanging, stop: () => clearInterval(timer) };
}

/** Everything that may wake this process, but timers: a pool of knex has one for as long as it is open. */
const underWay = (): number => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length;

const shown = (error: unknown): string =>
  (error instanceof Error ? `${error.message}\n${error.stack}` : String(error)).slice(0, 2000);

export const strykerPlugins = [{ kind: 'TestRunner', name: 'room', injectableClass: RoomRunner }];

/** The test files of a room, as `decide/plans`, those that are quick and find most first. */
export const strykerValidationSchema = { properties: { tests: { type: 'array', items: { type: 'string' } } } };
