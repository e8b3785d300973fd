/** What the tests use of AVA, one test after the other in a process that stays: a mutant costs no more than its tests do. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

type Body = (t: Assertions) => unknown;
type Thrown = { readonly instanceOf?: unknown; readonly message?: string | RegExp; readonly code?: string };

export interface Registered {
  readonly id: string;
  readonly body: Body;
}

const registered: Registered[] = [];
let file = '';

const register = (title: string, body: Body): void => void registered.push({ id: `${file}: ${title}`, body });

export default Object.assign(register, { serial: register });

/** Loads test files by their URLs, in this order, and returns their tests. */
export async function loadTests(urls: readonly URL[]): Promise<readonly Registered[]> {
  for (const url of urls) {
    file = url.pathname.replace(/^.*\/test\//, '');
    await import(url.href);
  }
  return registered;
}

/**
 * Rejects with what makes the test fail, also where what it left behind cannot be torn down any more. `givenUp`
 * rejects when nobody is to wait for it any longer.
 */
export async function runTest({ body }: Registered, givenUp: Promise<never> = never): Promise<void> {
  const t = new Assertions();
  try {
    await Promise.race([body(t), givenUp]);
  } catch (error) {
    const tornDown = t.tearDown().catch(() => undefined);
    await Promise.race([tornDown, sleep(tearDownMsMax, undefined, { ref: false })]);
    throw error;
  }
  await Promise.race([t.tearDown(), givenUp]);
}

const never = new Promise<never>(() => undefined);

const tearDownMsMax = 1000;

class Assertions {
  readonly #after: (() => unknown)[] = [];

  teardown = (undo: () => unknown) => void this.#after.push(undo);
  timeout = () => undefined;
  log = () => undefined;
  pass = () => undefined;
  fail = (message?: string) => assert.fail(message ?? 'fail');
  is = (actual: unknown, expected: unknown) =>
    assert.ok(Object.is(actual, expected), `${shown(actual)} is not ${shown(expected)}`);
  not = (actual: unknown, expected: unknown) => assert.ok(!Object.is(actual, expected), `is ${shown(actual)}`);
  true = (actual: unknown, message?: string) => assert.equal(actual, true, message);
  false = (actual: unknown, message?: string) => assert.equal(actual, false, message);
  truthy = (actual: unknown, message?: string) => assert.ok(actual, message);
  deepEqual = (actual: unknown, expected: unknown) => assert.deepEqual(actual, expected);
  regex = (text: string, pattern: RegExp) => assert.match(text, pattern);
  notRegex = (text: string, pattern: RegExp) => assert.doesNotMatch(text, pattern);
  like = (actual: unknown, expected: unknown) =>
    assert.ok(isLike(actual, expected), `${shown(actual)} is not like ${shown(expected)}`);
  notThrows = (work: () => unknown) => void work();
  notThrowsAsync = async (work: Promise<unknown> | (() => Promise<unknown>)) => void (await promised(work));

  throws(work: () => unknown, expected: Thrown = {}): unknown {
    try {
      work();
    } catch (error) {
      return asExpected(error, expected);
    }
    return assert.fail('expected it to throw');
  }

  throwsAsync(work: Promise<unknown> | (() => Promise<unknown>), expected: Thrown = {}): Promise<unknown> {
    return promised(work).then(
      () => assert.fail('expected it to reject'),
      (error: unknown) => asExpected(error, expected),
    );
  }

  async tearDown(): Promise<void> {
    for (const undo of this.#after.reverse()) await undo();
  }
}

const promised = (work: Promise<unknown> | (() => Promise<unknown>)): Promise<unknown> =>
  typeof work === 'function' ? work() : work;

function asExpected(error: unknown, { instanceOf, message, code }: Thrown): unknown {
  assert.ok(error instanceof Error, 'expected an error');
  if (typeof instanceOf === 'function') assert.ok(error instanceof instanceOf, `${error} is of another class`);
  if (typeof message === 'string') assert.equal(error.message, message);
  if (message instanceof RegExp) assert.match(error.message, message);
  if (code !== undefined) assert.equal((error as { readonly code?: unknown }).code, code);
  return error;
}

/** Whether `actual` has what `expected` says, and perhaps more. */
function isLike(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return isDeepStrictEqual(actual, expected);
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(expected)) return false;
  return Object.entries(expected).every(([key, value]) => isLike((actual as Record<string, unknown>)[key], value));
}

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 200);
