/** What a shop's databases and its customer know, as a history, once everything has come to its end. */
import type { LogRow } from '../../coordinator/store/store.js';
import { openReadOnly } from '../../participants/database.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import type { TransactionStatus } from '../../sdk/protocol/views.js';
import { HistoryChecker, type Verdict } from '../history/checker.js';
import { checkFile, HistoryWriter } from '../history/file.js';
import type { HistoryRecord } from '../history/records.js';
import type { Acknowledged } from './customer.js';
import { readEffects } from './ledgers.js';
import { type Log, readLog } from './log.js';
import type { Service, ServiceName } from './services.js';

/** What is recorded. */
export interface Recorded {
  readonly coordinator: { readonly db: string };
  readonly services: Readonly<Record<ServiceName, Service>>;
  readonly provider: { readonly db: string } | undefined;
  readonly customer: { readonly acknowledged: Acknowledged };
}

/** Checks a shop. Resolves with what is wrong; empty when nothing is. */
export async function wrongInHistory(shop: Recorded): Promise<readonly string[]> {
  const checker = new HistoryChecker();
  for (const record of await historyOf(shop, 'shop')) checker.feed(record);
  return textOf(checker.verdict());
}

/** The same by way of a new file, which is left there. `of` says what it is a history of. */
export async function wrongInFile(shop: Recorded, path: string, of: string): Promise<readonly string[]> {
  const writer = new HistoryWriter(path);
  for (const record of await historyOf(shop, of)) writer.write(record);
  writer.close();
  return textOf(checkFile(path));
}

const textOf = ({ violations }: Verdict): readonly string[] =>
  violations.map(({ invariant, xid, what }) => `${invariant} ${xid ?? ''}: ${what}`);

/** Two processes' clocks are one and the same here, but one of them is carried on by monotonic time. */
const driftMs = 50;

async function historyOf(shop: Recorded, of: string): Promise<readonly HistoryRecord[]> {
  // Before anything is read: what is acknowledged from here on may not be in it.
  const acknowledged = structuredClone(shop.customer.acknowledged);
  const rows = await readRows(shop.coordinator.db);
  const effects = await readEffects(shop.services, shop.provider);
  return [
    { t: 'history', version: 1, order: 'dumped', driftMs, of },
    ...rows.map((row): HistoryRecord => ({ t: 'row', ...row })),
    ...effects.map(({ xid, branch, op, effect, at }): HistoryRecord => {
      const [participant = ''] = effect.split('.', 1);
      return { t: 'effect', xid, branch, op: op as Op, participant, at };
    }),
    ...promises(acknowledged, await readLog(shop.coordinator.db)),
    { t: 'settled' },
  ];
}

async function readRows(file: string): Promise<readonly LogRow[]> {
  const db = openReadOnly(file);
  try {
    return await db.raw('select xid, seq, append, appender, version, at, events from log order by xid, seq');
  } finally {
    await db.destroy();
  }
}

/** What the customer was told. */
function promises({ opened, decided, ended, branches }: Acknowledged, { states }: Log): readonly HistoryRecord[] {
  const told = { t: 'told', by: 'customer' } as const;
  return [
    ...[...opened].map((xid) => ({ ...told, xid, asked: 'open' })),
    ...[...decided].map(([xid, decision]) => ({ ...told, xid, asked: 'decide', decision })),
    ...[...ended].map(
      ([xid, status]): HistoryRecord => ({ ...told, xid, asked: 'end', status: status as TransactionStatus }),
    ),
    ...[...branches].map(([key, forward]): HistoryRecord => {
      const [xid = '', id] = key.split(' ');
      const branch = states.get(xid)?.branches.find((each) => each.id === id)?.number;
      if (branch !== undefined) return { ...told, xid, asked: 'add', branch, forward };
      return { t: 'wrong', invariant: 'I3', xid, what: `branch ${id} was acknowledged, and is not there` };
    }),
  ];
}
