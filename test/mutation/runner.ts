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

export class RoomRunner {
  static inject = ['options'] as const;
  readonly #names: readonly string[];
  readonly #told: Instrumented;
  #tests: readonly Registered[] | undefined;
  #uncaught: unknown;

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
    try {
      await runTest(test);
    } catch (error) {
      return error ?? new Error('threw nothing');
    }
    // What was left to itself may still fail.
    await turn();
    return this.#uncaught;
  }
}

const shown = (error: unknown): string =>
  (error instanceof Error ? `${error.message}\n${error.stack}` : String(error)).slice(0, 2000);

export const strykerPlugins = [{ kind: 'TestRunner', name: 'room', injectableClass: RoomRunner }];

/** The test files of a room, as `decide/plans`, those that are quick and find most first. */
export const strykerValidationSchema = { properties: { tests: { type: 'array', items: { type: 'string' } } } };
