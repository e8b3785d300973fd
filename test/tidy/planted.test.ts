/** Every rule is shown something that it must catch, and something near it that it must not. */
import test from 'ava';
import { bannedCalls, waitingInDecide } from './calls.js';
import { importCycles, sdkRoomCycles } from './cycles.js';
import { strayAtTop } from './layout.js';
import { badManners, vagueFiles } from './manners.js';
import { misplacedImports, undeclaredPackages } from './rooms.js';
import { longFiles, longFunctions, median } from './sizes.js';
import type { Source } from './sources.js';

const file = (path: string, ...lines: string[]): Source => ({ path, text: `${lines.join('\n')}\n` });
const importing = (path: string, specifier: string, type = ''): Source =>
  file(path, `import ${type} { x } from '${specifier}';`);

const misplaced: readonly Source[] = [
  importing('sdk/protocol/ids.ts', '../client/connect.js', 'type'),
  importing('sdk/client/connect.ts', '../../coordinator/clock.js', 'type'),
  importing('sdk/client/connect.ts', '../index.js'),
  importing('coordinator/decide/decide.ts', '../clock.js', 'type'),
  importing('coordinator/decide/decide.ts', '../store/store.js', 'type'),
  importing('coordinator/decide/decide.ts', '../../sdk/client/plan.js'),
  file('coordinator/decide/decide.ts', "import { planted, reach } from '#faults';"),
  importing('coordinator/store/knex.ts', '../decide/state.js', 'type'),
  importing('coordinator/observe/log.ts', '../dispatch/http.js'),
  importing('coordinator/dispatch/http.ts', '../queue/queue.js'),
  importing('coordinator/engine.ts', './http/app.js'),
  importing('coordinator/engine.ts', './main.js'),
  importing('coordinator/engine.ts', './config.js'),
  importing('coordinator/http/app.ts', '../../sdk/client/connect.js'),
  importing('coordinator/main.ts', '../participants/order/main.js'),
  importing('coordinator/main.ts', '../test/chaos/kill.js'),
  importing('coordinator/tricks/tricks.ts', '../clock.js'),
  importing('participants/order/main.ts', '../../coordinator/engine.js'),
  importing('participants/order/main.ts', '../payment/ledger.js'),
  importing('examples/demo/main.ts', '../../participants/order/main.js'),
  importing('examples/demo/main.ts', '../../test/helpers/shop.js'),
  importing('coordinator/engine.ts', 'express'),
  importing('coordinator/http/app.ts', 'knex', 'type'),
  importing('coordinator/queue/memory.ts', 'sqlite3'),
  importing('coordinator/dispatch/pull.ts', 'bullmq'),
  importing('coordinator/observe/metrics.ts', 'ioredis'),
  importing('coordinator/http/app.ts', 'undici'),
  file('coordinator/engine.ts', "const later = () => import('./http/app.js');"),
  file('coordinator/engine.ts', "export * from './http/app.js';"),
  file('coordinator/engine.ts', "import './http/app.js';"),
  file('coordinator/engine.ts', "type App = import('./http/app.js').App;"),
];

const wellPlaced: readonly Source[] = [
  importing('sdk/client/connect.ts', '../protocol/ids.js'),
  importing('sdk/index.ts', './client/connect.js'),
  file('coordinator/decide/decide.ts', "import { planted } from '#faults';", "import { y } from './state.js';"),
  importing('coordinator/dispatch/http.ts', '../store/store.js', 'type'),
  importing('coordinator/store/knex.ts', '../config.js', 'type'),
  importing('coordinator/store/knex.ts', '#faults'),
  importing('coordinator/engine.ts', './decide/decide.js'),
  importing('coordinator/http/app.ts', '../engine.js'),
  importing('coordinator/cli.ts', '../sdk/client/connect.js'),
  importing('coordinator/main.ts', './http/app.js'),
  importing('participants/order/main.ts', 'express'),
  importing('participants/order/main.ts', './ledger.js'),
  importing('participants/order/main.ts', '../../sdk/index.js'),
  importing('examples/embedded/main.ts', 'concordat/coordinator'),
  importing('test/chaos/kill.ts', '../../coordinator/engine.js'),
  file('coordinator/engine.ts', "// import { x } from './http/app.js';", "const text = `import './http/app.js'`;"),
];

for (const source of misplaced) {
  test(`misplaced: ${source.path} ${source.text.trim()}`, (t) => {
    t.is(misplacedImports([source]).length, 1);
  });
}

for (const source of wellPlaced) {
  test(`well placed: ${source.path} ${source.text.trim()}`, (t) => {
    t.deepEqual(misplacedImports([source]), []);
  });
}

test('a cycle is caught, of types and through the front door too', (t) => {
  const [a, b] = [importing('sdk/client/a.ts', './b.js', 'type'), importing('sdk/client/b.ts', '../index.js')];
  t.deepEqual(importCycles([a, b]), []);
  t.deepEqual(importCycles([a, b, file('sdk/index.ts', "export * from './client/a.js';")]), [
    'sdk/client/a.ts > sdk/client/b.ts > sdk/index.ts > sdk/client/a.ts',
  ]);
});

test('two rooms of the SDK that need each other are caught, whichever files it is', (t) => {
  const there = importing('sdk/client/a.ts', '../testing/b.js');
  t.deepEqual(sdkRoomCycles([there]), []);
  t.is(sdkRoomCycles([there, importing('sdk/testing/c.ts', '../client/d.js')]).length, 1);
});

test('an undeclared package is caught', (t) => {
  const source = importing('sdk/client/a.ts', '@scope/left-pad/sub.js');
  t.deepEqual(undeclaredPackages([source], ['undici']), ['sdk/client/a.ts:1 @scope/left-pad']);
  t.deepEqual(undeclaredPackages([source, importing('sdk/a.ts', 'node:fs')], ['@scope/left-pad']), []);
});

const calls = [
  'const now = Date.now();',
  'const now = new Date();',
  'const now = new Date;',
  'const now = performance.now();',
  'const now = process.hrtime.bigint();',
  'setTimeout(go, 1);',
  'globalThis.setInterval(go, 1);',
  'setImmediate(go);',
  'const signal = AbortSignal.timeout(5);',
  'const chance = Math.random();',
  'const id = crypto.randomUUID();',
  "import { randomBytes } from 'node:crypto';",
  "import { env } from 'node:process';",
  "import * as timers from 'node:timers/promises';",
  'const url = process.env.CONCORDAT_URL;',
  'const text = `at ${Date.now()}`;',
];

for (const call of calls) {
  test(`banned: ${call}`, (t) => {
    t.is(bannedCalls([file('coordinator/engine.ts', call)]).length, 1);
    t.is(bannedCalls([file('sdk/protocol/ids.ts', call)]).length, 1);
    t.deepEqual(bannedCalls([file('participants/order/main.ts', call)]), []);
  });
}

test('a seam may do what it is there for and nothing else', (t) => {
  t.deepEqual(bannedCalls([file('coordinator/config.ts', 'const port = process.env.PORT;')]), []);
  t.is(bannedCalls([file('coordinator/config.ts', 'const now = Date.now();')]).length, 1);
});

test('what only looks like a banned call is none', (t) => {
  const text = ['clock.setTimeout(go);', 'new Date(at);', "const a = 'Date.now()'; // Math.random()", 'toDate.now();'];
  t.deepEqual(bannedCalls([file('coordinator/engine.ts', ...text)]), []);
});

test('a mind that waits is caught', (t) => {
  t.is(waitingInDecide([file('coordinator/decide/a.ts', 'export async function f(): Promise<void> {}')]).length, 2);
  t.deepEqual(waitingInDecide([file('coordinator/decide/a.ts', '// await')]), []);
  t.deepEqual(waitingInDecide([file('coordinator/engine.ts', 'await x;')]), []);
});

test('long files and functions are caught', (t) => {
  const lines = (count: number) => Array.from({ length: count }, () => 'x();');
  t.is(longFiles([file('a.ts', ...lines(401))]).length, 1);
  t.deepEqual(longFiles([file('a.ts', ...lines(400))]), []);
  t.is(longFunctions([file('a.ts', 'function f(): void {', ...lines(69), '}')]).length, 1);
  t.deepEqual(longFunctions([file('a.ts', 'function f(): void {', ...lines(68), '}')]), []);
  const suite = ['function s(): void {', "test('a', async (t) => {", ...lines(60), '});', ...lines(60), '}'];
  t.deepEqual(longFunctions([file('test/a.ts', ...suite)]), []);
  t.is(longFunctions([file('test/a.ts', ...suite, ...suite.slice(0, 2), ...lines(70), '});', '}')]).length, 1);
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 2, 3]), 2.5);
});

const rude = [
  'const a = b as any;',
  'function f(a: any[]): void {}',
  'type A = Record<string, any>;',
  'const a = b!;',
  'a![0] = b;',
  'a()!.b();',
  'const a = b! + 1;',
  'let a!: string;',
  '// @ts-expect-error',
  '// biome-ignore lint: because',
  'try { a(); } catch {}',
  'try { a(); } catch (error) { /* never mind */ }',
  'a().catch(() => {});',
];

for (const line of rude) {
  test(`rude: ${line}`, (t) => {
    t.is(badManners([file('sdk/client/a.ts', line)]).length, 1);
    t.deepEqual(badManners([file('test/a.ts', line)]), []);
  });
}

test('what only looks rude is not', (t) => {
  const polite = ["if (!a || b !== c) d('any!');", 'Promise.any(e); // any', 'catch (error) { f(error); }', 'g = !h;'];
  t.deepEqual(badManners([file('sdk/client/a.ts', ...polite)]), []);
});

test('names that say nothing are caught', (t) => {
  const bad = ['sdk/util.ts', 'coordinator/helpers/a.ts', 'sdk/client/http-utils.ts', 'participants/common/a.ts'];
  const good = ['sdk/utility-bill.ts', 'coordinator/engine.ts', 'test/helpers/shop.ts'];
  t.is(vagueFiles([...bad, ...good].map((path) => ({ path }))).length, bad.length);
});

test('a stray entry at the top is caught', (t) => {
  t.deepEqual(strayAtTop(['.ci/run', 'sdk/index.ts', 'README.md', 'biome.json', 'src/a.ts', 'src/b.ts']), [
    'biome.json',
    'src',
  ]);
});
