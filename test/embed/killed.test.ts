/** An application with its coordinator inside is killed and started again on the same files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import knexFactory from 'knex';
import { type Failpoint, failpoints } from '../../coordinator/faults/faults.js';
import { Program } from '../chaos/program.js';
import { Slots } from '../chaos/slots.js';
import { temporary } from './embedding.js';

type Part = 'method' | 'plan' | 'killed-between' | 'killed-before-commit' | 'nothing';

const slots = new Slots();

/** Starts the application, which may kill itself on the way. Resolves with how it ended. */
async function run(t: ExecutionContext, directory: string, part: Part, failpoint?: string): Promise<unknown> {
  const program = new Program(t, {
    name: 'shop',
    main: 'test/embed/shop-child.js',
    args: [directory, part],
    directory,
    env: failpoint === undefined ? {} : { CONCORDAT_FAILPOINT: failpoint },
  });
  await program.start();
  return program.ending;
}

/** The rows of both ledgers, in order. */
async function effects(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of ['stock', 'payment']) {
    const filename = path.join(directory, `${name}.db`);
    const db = knexFactory({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true });
    for (const { op } of await db('effects').orderBy('rowid')) found.push(op);
    await db.destroy();
  }
  return found;
}

const statuses = (directory: string): readonly string[] =>
  Object.values(JSON.parse(readFileSync(path.join(directory, 'ended.json'), 'utf8')));

/** Goes on until all is final, in a process that nothing happens to. */
async function goOn(t: ExecutionContext, directory: string): Promise<readonly string[]> {
  t.is(await run(t, directory, 'nothing'), 0);
  return statuses(directory);
}

const all = ['reserved', 'taken', 'charged'];

test('A9 killed in the middle of a method: the deadline rolls back, and what was done is undone', (t) =>
  slots.run(async () => {
    const directory = await temporary(t);
    t.is(await run(t, directory, 'killed-between'), 'SIGKILL');
    t.deepEqual(await effects(directory), ['reserved']);
    t.deepEqual(await goOn(t, directory), ['rolled_back']);
    t.deepEqual(await effects(directory), ['reserved', 'released']);
  }));

test('B3 A9 killed in a handler before its local commit: nothing of it is there, and the rest is undone', (t) =>
  slots.run(async () => {
    const directory = await temporary(t);
    t.is(await run(t, directory, 'killed-before-commit'), 'SIGKILL');
    t.deepEqual(await effects(directory), ['reserved']);
    t.deepEqual(await goOn(t, directory), ['rolled_back']);
    // It is asked again where the deadline leaves time for it, and then undone.
    const found = await effects(directory);
    t.deepEqual([...found].sort(), [...expectedOf('rolled_back', found)].sort());
  }));

test('B2 A6 killed after the local commit of a branch, before its answer was taken: a plan goes on without a second effect', (t) =>
  slots.run(async () => {
    const directory = await temporary(t);
    t.is(await run(t, directory, 'plan', 'after-reply@2'), 'SIGKILL');
    t.deepEqual(await effects(directory), ['reserved', 'charged']);
    t.deepEqual(await goOn(t, directory), ['committed']);
    t.deepEqual(await effects(directory), all);
  }));

test('A10 killed when commit was decided and nobody was told: it is carried out', (t) =>
  slots.run(async () => {
    const directory = await temporary(t);
    t.is(await run(t, directory, 'method', 'after-decision-append'), 'SIGKILL');
    t.deepEqual(await effects(directory), ['reserved', 'charged']);
    t.deepEqual(await goOn(t, directory), ['committed']);
    t.deepEqual(await effects(directory), all);
  }));

test('A11 B2 killed in phase 2, when a branch has confirmed and nobody wrote it down: it is not confirmed twice', (t) =>
  slots.run(async () => {
    const directory = await temporary(t);
    t.is(await run(t, directory, 'method', 'after-reply@3'), 'SIGKILL');
    t.deepEqual(await effects(directory), all);
    t.deepEqual(await goOn(t, directory), ['committed']);
    t.deepEqual(await effects(directory), all);
  }));

const numbers: Partial<Record<Failpoint, string>> = {
  'before-open-append': 'A1',
  'after-open-append': 'A2 A3',
  'before-result-append': 'A7',
  'after-result-append': 'A8',
  'before-decision-append': 'A9',
  'after-decision-append': 'A10',
  'before-end-append': 'A12',
  'after-end-append': 'A12',
  'after-queue-before-send': 'A4 A5',
  'before-send': 'A5',
  'after-send-before-reply': 'A6',
  'after-reply': 'A7',
  'before-answer': 'A2 E1',
};

/** At every point that an initiator passes; a plan passes the same ones, so two of them will do. */
const killed: readonly (readonly [Part, Failpoint])[] = [
  ...failpoints.filter((name) => numbers[name] !== undefined).map((name): [Part, Failpoint] => ['method', name]),
  ['plan', 'after-open-append'],
  ['plan', 'before-result-append'],
];

for (const [part, name] of killed) {
  test(`${numbers[name]} A13 I1-I5: a ${part} killed ${name.replaceAll('-', ' ')}, and killed again after it was adopted, ends all or nothing`, (t) =>
    slots.run(async () => {
      const directory = await temporary(t);
      t.is(await run(t, directory, part, name), 'SIGKILL');
      // Where nothing is left to adopt, this one ends by itself.
      await run(t, directory, 'nothing', 'after-adopt-append');
      const [status = 'none'] = await goOn(t, directory);
      const found = await effects(directory);
      t.deepEqual([...found].sort(), [...expectedOf(status, found)].sort(), status);
      if (part === 'plan') t.is(status, 'committed');
    }));
}

/** All of it, or each that was done undone once; nothing at all where no transaction is there. */
function expectedOf(status: string, found: readonly string[]): readonly string[] {
  if (status === 'committed') return all;
  const undo: Readonly<Record<string, string>> = { reserved: 'released', charged: 'refunded' };
  const done = new Set(found.filter((op) => op in undo));
  return status === 'rolled_back' ? [...done].flatMap((op) => [op, undo[op] ?? '']) : [];
}
