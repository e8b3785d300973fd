/** The published package, used as users use it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { asModule, installed, project, tsconfig } from './installed.js';

const packageDirectory = (): string => path.join(installed(), 'node_modules', 'concordat');
const manifest = () => JSON.parse(readFileSync(path.join(packageDirectory(), 'package.json'), 'utf8'));

const entries = (): readonly string[] =>
  Object.keys(manifest().exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => entry.replace(/^\./, 'concordat'));

test('publint finds nothing to say', async (t) => {
  const { messages } = await publint({ pkgDir: packageDirectory(), pack: false, strict: true });
  t.deepEqual(
    messages.map((message) => formatMessage(message, manifest(), { color: false })),
    [],
  );
});

test('every entry is there, and exports something', async (t) => {
  t.true(entries().length >= 3);
  const program = entries().map((entry) => `console.log(Object.keys(await import('${entry}')).length > 0);`);
  const { code, out, err } = await project({ 'main.mjs': program.join('\n') }).node('main.mjs');
  t.is(code, 0, err);
  t.is(out, 'true\n'.repeat(entries().length));
});

test('nothing is exported from two entries', async (t) => {
  const program = `
    const seen = new Map();
    for (const entry of ${JSON.stringify(entries())})
      for (const name of Object.keys(await import(entry))) seen.set(name, [...(seen.get(name) ?? []), entry]);
    for (const [name, where] of seen) if (where.length > 1) console.log(name, where.join(' '));`;
  t.deepEqual((await project({ 'main.mjs': program }).node('main.mjs')).out, '');
});

test('a CommonJS program may require it', async (t) => {
  const program = `
    const { connect, plan } = require('concordat');
    const { embed } = require('concordat/coordinator');
    console.log(typeof connect, typeof plan, typeof embed, plan('a').name);`;
  const { code, out, err } = await project({ 'main.cjs': program }).node('main.cjs');
  t.is(code, 0, err);
  t.is(out, 'function function function a\n');
});

test('without sqlite3 everything but the store works, and the store says what is missing', async (t) => {
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(\`export async function resolve(name, context, next) {
      if (name === 'sqlite3') throw Object.assign(new Error("Cannot find package 'sqlite3'"), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, context);
    }\`));
    const { plan } = await import('concordat');
    console.log(plan('a').name);
    const { embed } = await import('concordat/coordinator');
    await embed({ store: 'sqlite::memory:', participants: [] }).catch((error) => console.log(error.message));`;
  const { out, err } = await project({ 'main.mjs': program }).node('main.mjs');
  t.regex(out, /^a\n.*sqlite3/s, err);
});

const usesEverything = `
  import { connect, on, plan, type Branch, type Plan, type Settle } from 'concordat';
  import { embed } from 'concordat/coordinator';
  class Payments {
    async charge(input: { readonly cents: number }, tx: Branch): Promise<{ readonly paymentId: number }> {
      await tx.db('payments').insert(input);
      return { paymentId: tx.branch };
    }
    async refund(_input: unknown, _tx: Settle<{ readonly paymentId: number }>): Promise<void> {}
  }
  export const whole: Plan = plan('a').step('b', on<Payments>('payment').charge, { cents: 1 });
  export const client = connect({ url: 'http://127.0.0.1:1' });
  export const remote: (input: { readonly cents: number }) => Promise<{ readonly paymentId: number }> =
    client.remote<Payments>('payment').charge;
  export const embedded: Promise<{ close(): Promise<void> }> = embed({ store: 'sqlite::memory:', participants: [] });
`;

const resolutions: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  node16: { module: 'node16' },
  nodenext: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  'nodenext with every check of declarations': { module: 'nodenext', skipLibCheck: false },
};

for (const [name, options] of Object.entries(resolutions)) {
  test(`its types are found: ${name}`, async (t) => {
    const files = { 'package.json': asModule, 'tsconfig.json': tsconfig({ ...options, noEmit: true }) };
    const { out, code } = await project({ ...files, 'main.ts': usesEverything }).tsc();
    t.is(out, '');
    t.is(code, 0);
  });
}

test('its types are found: a CommonJS project', async (t) => {
  const files = { 'package.json': '{}', 'tsconfig.json': tsconfig({ noEmit: true }) };
  t.is((await project({ ...files, 'main.ts': usesEverything }).tsc()).out, '');
});

test('that a type is wrong would be seen', async (t) => {
  const files = { 'package.json': asModule, 'tsconfig.json': tsconfig({ noEmit: true }) };
  const wrong = usesEverything.replace('{ cents: 1 }', "{ cents: '1' }");
  t.regex((await project({ ...files, 'main.ts': wrong }).tsc()).out, /main\.ts\(\d+,\d+\): error TS2322/);
});

/** A plan of that many steps; each uses outputs of two before it. */
function longPlan(steps: number): string {
  const rest = Array.from({ length: steps - 1 }, (_, at) => {
    const half = Math.floor(at / 2);
    return `.step('s${at + 1}', charge, (s) => ({ cents: s.s${at}.cents, sku: s.s${half}.lines[0].sku }))`;
  });
  return `import { connect, on, plan } from 'concordat';
    interface Receipt { readonly cents: number; readonly lines: readonly { readonly sku: string }[] }
    interface Payments { charge(input: { readonly cents: number; readonly sku?: string }): Promise<Receipt> }
    const { charge } = on<Payments>('payment');
    const long = plan('long').step('s0', charge, { cents: 1 })${rest.join('\n')};
    const { status, result } = await connect().submit(long);
    if (status === 'committed') result.s${steps - 1}.cents.toFixed();`;
}

test('a plan of 60 steps is checked in seconds', async (t) => {
  const files = { 'package.json': asModule, 'tsconfig.json': tsconfig({ noEmit: true }) };
  const sixty = project({ ...files, 'main.ts': longPlan(60) });
  const began = performance.now();
  t.is((await sixty.tsc()).out, '');
  const tookMs = performance.now() - began;
  t.log(`${Math.round(tookMs)} ms`);
  t.true(tookMs < 15_000, `${tookMs} ms`);
  t.is((await project({ ...files, 'main.ts': longPlan(90) }).tsc()).out, '');
});
