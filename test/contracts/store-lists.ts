import type { TestFn } from 'ava';
import type { ListFilter, Store, StoreError } from '../../coordinator/store/store.js';
import type { Summary } from '../../sdk/protocol/summary.js';
import { coordinator, sampleAppend, sampleSummary, xidOf } from '../store/sample.js';
import { type MakeDisk, openFrom } from './disk.js';

/** What every store promises of lists, due work and owners. */
export function storeListContract(test: TestFn, makeDisk: MakeDisk): void {
  test('a list is newest first and each filter leaves what does not match', async (t) => {
    const store = await openFrom(t, makeDisk);
    await fill(store, {
      t1: { openedAt: 1_000, name: 'checkout', status: 'committed', finishedAt: 1_500 },
      t2: { openedAt: 2_000, name: 'checkout', status: 'active', businessKey: 'order-7' },
      t3: { openedAt: 2_000, name: 'refund', status: 'parked', participants: ['ledger'] },
      t4: { openedAt: 4_000, name: 'refund', status: 'rolled_back', decision: 'rollback', reason: 'no \u0000 "stock"' },
    });
    const found = async (filter: Partial<ListFilter>): Promise<readonly string[]> =>
      (await store.list({ statuses: [], limit: 10, ...filter })).items.map(({ xid }) => xid);
    t.deepEqual(await found({}), ['t4', 't3', 't2', 't1']);
    t.deepEqual(await found({ statuses: ['active'] }), ['t2']);
    t.deepEqual(await found({ statuses: ['committed', 'parked', 'active'] }), ['t3', 't2', 't1']);
    t.deepEqual(await found({ statuses: ['committed', 'parked', 'active'], limit: 2 }), ['t3', 't2']);
    t.deepEqual(await found({ name: 'refund' }), ['t4', 't3']);
    t.deepEqual(await found({ businessKey: 'order-7' }), ['t2']);
    t.deepEqual(await found({ participant: 'ledger' }), ['t3']);
    t.deepEqual(await found({ participant: 'stock', name: 'checkout', statuses: ['active', 'committed'] }), [
      't2',
      't1',
    ]);
    t.deepEqual(await found({ openedAfter: 1_000, openedBefore: 4_000 }), ['t3', 't2']);
    t.deepEqual(await found({ name: "'; drop table log; --" }), []);
  });

  test('a summary is listed with all that was written of it', async (t) => {
    const store = await openFrom(t, makeDisk);
    const summary = sampleSummary({
      businessKey: 'é"\u0000💡',
      status: 'resolved',
      decision: 'rollback',
      reason: 'used up',
      decidedAt: 1_100,
      deadlineAt: 1_200,
      finishedAt: 1_300,
      dueAt: 1_400,
    });
    await fill(store, { t1: summary });
    const page = await store.list({ statuses: [], limit: 1 });
    t.deepEqual(page, { items: [{ xid: xidOf('t1'), ...summary }], nextCursor: null });
  });

  test('pages join without a gap or a repeat while transactions are opened', async (t) => {
    const store = await openFrom(t, makeDisk);
    const names = Array.from({ length: 10 }, (_, index) => `t${index}`);
    await fill(store, Object.fromEntries(names.map((name, index) => [name, { openedAt: 1_000 + (index >> 1) }])));
    for (const statuses of [[], ['active'], ['active', 'parked']] as const) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ statuses, limit: 3, openedBefore: 2_000, ...(cursor && { cursor }) });
        seen.push(...page.items.map(({ xid }) => xid));
        cursor = page.nextCursor ?? undefined;
        await fill(store, { [`new${statuses.length}-${seen.length}`]: { openedAt: 1_999 } });
      } while (cursor);
      t.deepEqual(
        seen.filter((xid) => xid.startsWith('t')),
        [...names].reverse(),
      );
    }
  });

  test('a cursor that is none of ours is refused', async (t) => {
    const store = await openFrom(t, makeDisk);
    for (const cursor of [
      '',
      'x',
      '!',
      Buffer.from('1 ').toString('base64url'),
      Buffer.from('01 x').toString('base64url'),
    ]) {
      const error = await t.throwsAsync<StoreError>(() => store.list({ statuses: [], limit: 1, cursor }));
      t.is(error?.kind, 'bad_cursor', cursor);
    }
  });

  test('I4 what is due is found by owner, longest overdue first, and finished work never is', async (t) => {
    const store = await openFrom(t, makeDisk);
    await fill(store, {
      t1: { dueAt: 300 },
      t2: { dueAt: 100 },
      t3: { dueAt: 200, status: 'committing' },
      t4: { dueAt: 500 },
      t5: { dueAt: null, status: 'parked' },
      t6: { dueAt: 100, status: 'committed' },
      t7: { dueAt: 100, owner: coordinator('c2') },
    });
    t.deepEqual(await store.due(coordinator('c1'), 300, 10), ['t2', 't3', 't1'].map(xidOf));
    t.deepEqual(await store.due(coordinator('c1'), 300, 1), [xidOf('t2')]);
    t.deepEqual(await store.due(coordinator('c3'), 300, 10), []);
    t.deepEqual(await store.due(coordinator('c1'), 300, 10, 100), ['t3', 't1'].map(xidOf));
    t.deepEqual(await store.due(coordinator('c1'), 300, 10, 300), []);
  });

  test('G1 what a coordinator owns is walked by xid, and owners are known with their lease', async (t) => {
    const store = await openFrom(t, makeDisk);
    await fill(store, {
      t1: {},
      t2: { status: 'committing' },
      t3: { status: 'rolled_back' },
      t4: { status: 'rolling_back' },
      t5: { owner: coordinator('c2') },
      t6: { owner: coordinator('c3'), status: 'resolved' },
      t7: { owner: coordinator('c4'), status: 'parked' },
    });
    t.deepEqual(await store.owned(coordinator('c1'), null, 2), ['t1', 't2'].map(xidOf));
    t.deepEqual(await store.owned(coordinator('c1'), xidOf('t2'), 2), [xidOf('t4')]);
    const lease = { id: coordinator('c2'), host: 'h', pid: 1, leaseMs: 10 };
    await store.renewLease(lease);
    const renewedAt = (await store.leases())[0]?.renewedAt;
    t.deepEqual(await store.owners(), [
      { owner: coordinator('c1'), lease: null },
      { owner: coordinator('c2'), lease: { ...lease, renewedAt } },
    ]);
  });

  test('what is due, owned and oldest does not hang on the order in which it came', async (t) => {
    const store = await openFrom(t, makeDisk);
    t.is(await store.oldestUnfinished(), null);
    const [c1, c2] = [coordinator('c1'), coordinator('c2')];
    await fill(store, { t2: { owner: c2, openedAt: 1_000 } });
    await fill(store, { A1: { owner: c2, openedAt: 2_000 } });
    await fill(store, { t0: { owner: c1, openedAt: 3_000 } });
    t.deepEqual(await store.owned(c2, null, 10), ['A1', 't2'].map(xidOf));
    t.deepEqual(
      (await store.owners()).map(({ owner }) => owner),
      [c1, c2],
    );
    t.is(await store.oldestUnfinished(), 1_000);
    t.deepEqual(await store.due(c2, 10_000, 10), []);
  });

  test('a summary follows its transaction: a new owner and an end move it', async (t) => {
    const store = await openFrom(t, makeDisk);
    const first = sampleAppend('t1', { summary: sampleSummary({ dueAt: 100 }) });
    await store.append(first);
    const adopted = sampleAppend('t1', {
      seq: 2,
      seen: first.append,
      summary: sampleSummary({ dueAt: 200, owner: coordinator('c2') }),
    });
    await store.append(adopted);
    t.deepEqual(await store.due(coordinator('c1'), 1_000, 10), []);
    t.deepEqual(await store.due(coordinator('c2'), 1_000, 10), [xidOf('t1')]);
    const summary = sampleSummary({ status: 'committed', finishedAt: 900, owner: coordinator('c2') });
    await store.append(sampleAppend('t1', { seq: 3, seen: adopted.append, summary }));
    t.deepEqual(await store.owners(), []);
    t.deepEqual((await store.list({ statuses: ['committed'], limit: 5 })).items, [{ xid: xidOf('t1'), ...summary }]);
  });
}

async function fill(store: Store, transactions: Readonly<Record<string, Partial<Summary>>>): Promise<void> {
  const appends = Object.entries(transactions).map(([name, change]) =>
    sampleAppend(name, { summary: sampleSummary(change) }),
  );
  await Promise.all(appends.map((append) => store.append(append)));
}
