/** Each protection taken out must be seen by a check of its own: one that cannot fail is no check. */
import test, { type ExecutionContext } from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import type { Branch } from '../../sdk/participant/branch.js';
import { keepMsDefault } from '../../sdk/participant/fence-cleaning.js';
import { Refused } from '../../sdk/protocol/answers.js';
import { manualClock } from '../helpers/clock.js';
import { effect, effects, gate, handlerOf, origin, rows, startBank, word } from './bank.js';

/** What a switch breaks. True: all is as it should be. */
const checks: Partial<Record<PlantedBug, (t: ExecutionContext) => Promise<boolean>>> = {
  'fence-inserts-nothing': async (t) => {
    const { db, send } = await startBank(t);
    for (const _ of [1, 2]) await send('try');
    return (await effects(db)).length === 1;
  },
  'fence-answers-before-commit': async (t) => {
    const { db, send } = await startBank(t);
    await db.raw('pragma foreign_keys = on');
    await db.raw('create table parents (id integer primary key)');
    await db.raw('create table children (parent integer references parents (id) deferrable initially deferred)');
    await db.raw('create trigger orphan after insert on effects begin insert into children values (1); end');
    const said = await send('try').then(word, () => 'unknown');
    return said === 'unknown';
  },
  'fence-forgets-refusals': async (t) => {
    let refuses = true;
    const forward = async () => {
      if (refuses) throw new Refused('no');
    };
    const { send } = await startBank(t, { tcc: handlerOf('tcc', { forward }) });
    await send('try');
    refuses = false;
    return word(await send('try')) === 'refused no';
  },
  'fence-forgets-refused-ends': async (t) => {
    let refuses = true;
    const rollback = async (_input: unknown, tx: Branch) => {
      if (refuses) throw new Refused('not now');
      await effect(tx, 'undo');
    };
    const { db, send } = await startBank(t, { tcc: handlerOf('tcc', { rollback }) });
    await send('try');
    await send('cancel');
    refuses = false;
    await send('cancel');
    return (await effects(db)).length === 1;
  },
  'fence-forgets-outputs': async (t) => {
    const { send } = await startBank(t);
    for (const _ of [1, 2]) await send('try', { input: 'kept' });
    const again = await send('try');
    return again.kind === 'done' && again.output === 'kept';
  },
  'fence-keeps-refused-work': async (t) => {
    const forward = async (_input: unknown, tx: Branch) => {
      await effect(tx, 'do');
      throw new Refused('no');
    };
    const { db, send } = await startBank(t, { tcc: handlerOf('tcc', { forward }) });
    await send('try');
    return (await effects(db)).length === 0;
  },
  'fence-lets-late-forwards-in': async (t) => {
    const { db, send } = await startBank(t);
    await send('cancel').catch(() => undefined);
    await send('try').catch(() => undefined);
    return (await effects(db)).length === 0 && (await rows(db)).length === 2;
  },
  'fence-takes-contradictions': async (t) => {
    const { send } = await startBank(t);
    await send('try');
    await send('confirm');
    return word(await send('cancel')) === 'refused contradiction';
  },
  'fence-takes-missing-for-empty': async (t) => {
    const { send } = await startBank(t);
    const said = [await send('cancel', { forward: 'done' }), await send('confirm', { xid: 'x2', forward: 'done' })];
    return said.some((answer) => word(answer) === 'refused forward_missing');
  },
  'fence-lets-twins-wait': async (t) => {
    const [arrived, held] = [gate(), gate()];
    const forward = async () => {
      arrived.open();
      await held.opened;
    };
    const { db, send } = await startBank(t, { tcc: handlerOf('tcc', { forward }) });
    const running = send('try');
    await arrived.opened;
    const twin = send('try');
    // Whoever waits is still waiting when the one that it waits for goes on.
    const first = await Promise.race([twin.then(word), later(held)]);
    await Promise.all([running, twin]);
    return first === 'running' && (await rows(db)).length === 1;
  },
  'fence-cleans-without-floor': async (t) => {
    const clock = manualClock();
    const { db, send, executor } = await startBank(t, {}, { clock });
    await send('try');
    const floor = clock.now();
    clock.advance(keepMsDefault + 1);
    executor.setFloor(floor, origin);
    await executor.close();
    return (await rows(db)).length === 1;
  },
};

/** After many turns of the loop: opens the gate and says that it had to. */
async function later(held: { open(): void }): Promise<string> {
  for (let turns = 0; turns < 1000; turns++) await new Promise((resolve) => setImmediate(resolve));
  held.open();
  return 'waited';
}

for (const [name, check] of Object.entries(checks)) {
  test.serial(`${name}: the check sees it`, async (t) => {
    t.true(await check(t));
    armed.planted.add(name);
    t.teardown(() => armed.planted.delete(name));
    t.false(await check(t));
  });
}
