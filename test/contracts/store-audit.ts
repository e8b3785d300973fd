import type { TestFn } from 'ava';
import type { AuditEntry, AuditRow, Store } from '../../coordinator/store/store.js';
import { nextAppend, sampleAppend, xidOf } from '../store/sample.js';
import { type MakeDisk, openFrom } from './disk.js';

const entry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
  at: 5_000,
  by: 'kim',
  role: 'operator',
  action: 'retry',
  xid: null,
  participant: null,
  detail: '{"reason":"quote \\" and é"}',
  requestId: 'r1',
  ...change,
});

const forXid = (name: string, change: Partial<AuditEntry> = {}) => entry({ xid: xidOf(name), ...change });
const withoutPosition = ({ position: _, ...rest }: AuditRow): AuditEntry => rest;
const recorded = async (store: Store, filter: object = {}): Promise<readonly AuditEntry[]> =>
  (await store.audit({ limit: 100, ...filter })).items.map(withoutPosition);

/** What every store promises of the records of operators' actions. */
export function storeAuditContract(test: TestFn, makeDisk: MakeDisk): void {
  test('I15 what an append records is there when it won, once, and not when it lost', async (t) => {
    const store = await openFrom(t, makeDisk);
    const first = sampleAppend('x1');
    const second = nextAppend(first, { audit: [forXid('x1'), forXid('x1', { by: 'pat', action: 'resolve' })] });
    t.is(await store.append(first), 'won');
    t.is(await store.append(second), 'won');
    t.is(await store.append(nextAppend(first, { audit: [forXid('x1', { by: 'late' })] })), 'lost');
    // As after a lost answer.
    t.is(await store.append(second), 'won');
    t.deepEqual(await recorded(store), [forXid('x1', { by: 'pat', action: 'resolve' }), forXid('x1')]);
  });

  test('I15 appends of many that go out together record all of theirs, with the same number of statements', async (t) => {
    const store = await openFrom(t, makeDisk);
    const names = Array.from({ length: 50 }, (_, index) => `b${index}`);
    const alone = store.stats().statements;
    await store.append(sampleAppend('a'));
    const forOne = store.stats().statements - alone;
    const before = store.stats();
    await Promise.all(names.map((name) => store.append(sampleAppend(name, { audit: [forXid(name)] }))));
    t.is(store.stats().groups - before.groups, 1);
    t.is(store.stats().statements - before.statements, forOne);
    t.deepEqual((await recorded(store)).map(({ xid }) => xid).sort(), names.map(xidOf).sort());
  });

  test('I15 what is done to no transaction is recorded by itself', async (t) => {
    const store = await openFrom(t, makeDisk);
    await store.record(entry({ by: 'system', requestId: null, participant: 'stock' }));
    t.deepEqual(await recorded(store), [entry({ by: 'system', requestId: null, participant: 'stock' })]);
  });

  test('I15 a participant that is set otherwise records who did it, and one that is not records nothing', async (t) => {
    const store = await openFrom(t, makeDisk);
    const by = (name: string) => entry({ by: name, action: 'change_participant', participant: 'stock' });
    await store.changeParticipant({ name: 'stock' }, by('nothing'));
    await store.changeParticipant({ name: 'stock', paused: true }, by('first'));
    await store.changeParticipant({ name: 'stock', paused: true }, by('again'));
    await store.changeParticipant({ name: 'stock', concurrency: 7 }, by('second'));
    await store.changeParticipant({ name: 'stock', concurrency: 8 });
    t.deepEqual(await recorded(store), [by('second'), by('first')]);
  });

  test('records come newest first, by page, and are found by transaction, person and participant', async (t) => {
    const store = await openFrom(t, makeDisk);
    for (const by of ['a', 'b', 'a', 'b', 'a']) await store.record(entry({ by, xid: by === 'a' ? xidOf('xa') : null }));
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.audit({ limit: 2, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.items.map(({ position }) => position));
      // What comes meanwhile does not shift the pages.
      await store.record(entry({ by: 'c' }));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    t.is(seen.length, 5);
    t.deepEqual(
      seen,
      [...seen].sort((one, other) => other - one),
    );
    t.is((await recorded(store, { by: 'b' })).length, 2);
    t.is((await recorded(store, { xid: xidOf('xa') })).length, 3);
    t.is((await recorded(store, { participant: 'stock' })).length, 0);
    t.is((await recorded(store, { by: 'a', limit: 1 })).length, 1);
    for (const wrong of ['', 'a0', 'b1', 'x', '1', 'a9999999999999999']) {
      await t.throwsAsync(store.audit({ limit: 1, cursor: wrong }), { message: /expected a cursor/ }, wrong);
    }
  });
}
