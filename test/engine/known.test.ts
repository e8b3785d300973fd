import test from 'ava';
import { foldLog } from '../../coordinator/engine/deciding.js';
import type { LogRow } from '../../coordinator/store/store.js';
import type { AppendId } from '../../sdk/protocol/ids.js';
import { clusterOf } from './cluster.js';
import { plan } from './plans.js';

test('a log that is read from a known state on leads to where the whole log leads', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const [process] = processes;
  if (!process) throw new Error('expected a process');
  const xid = cluster.open(process, plan([{ id: 'a', kind: 'tcc' }, { id: 'b' }]));
  t.true(await cluster.finish([xid]));
  const rows = cluster.disk.logs.get(xid) ?? [];
  t.true(rows.length >= 4);
  const whole = foldLog(rows);
  for (let known = 0; known <= rows.length; known++)
    t.deepEqual(foldLog(rows, foldLog(rows.slice(0, known))), whole, `known up to row ${known}`);
});

test('H14 a state that the log does not go through is not built upon', async (t) => {
  const { cluster, processes } = await clusterOf(t, 1);
  const [process] = processes;
  if (!process) throw new Error('expected a process');
  const xid = cluster.open(process, plan([{ id: 'a' }, { id: 'b' }]));
  t.true(await cluster.finish([xid]));
  const rows = cluster.disk.logs.get(xid) ?? [];
  const known = foldLog(rows.slice(0, 2));
  // The store lost its tail, and another row came to stand there.
  const other = rows.slice(0, 2).map((row): LogRow => (row.seq === 2 ? instead(row) : row));
  t.deepEqual(foldLog(other, known), foldLog(other));
  t.deepEqual(foldLog(rows.slice(0, 1), known), foldLog(rows.slice(0, 1)));
  t.is(foldLog([], known), undefined);
});

const instead = (row: LogRow): LogRow => ({
  ...row,
  append: 'another' as AppendId,
  events: '[{"type":"rollback_only","reason":"x"}]',
});
