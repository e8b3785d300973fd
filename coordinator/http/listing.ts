/** Pages of transactions. The rows of a list have neither metadata nor outputs: those are read from the logs. */
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { TransactionItemView } from '../../sdk/protocol/views.js';
import type { State } from '../decide/state.js';
import type { SummaryRow } from '../store/store.js';
import { filterOf } from './filter.js';
import type { Answer, Call, Rooms } from './route.js';
import { itemView } from './views.js';

/** Logs that are read at once. */
const atOnce = 8;

export async function listTransactions(rooms: Rooms, call: Call): Promise<Answer> {
  const { items, nextCursor } = await rooms.store.list(filterOf(call.query));
  return { status: 200, body: { items: await filled(rooms, items), nextCursor } };
}

/** Outputs are told until there are too many of them for one page. */
async function filled(rooms: Rooms, rows: readonly SummaryRow[]): Promise<readonly TransactionItemView[]> {
  const { origin } = rooms.store.identity;
  const items: TransactionItemView[] = [];
  let leftBytes: number = limits.pageBytes;
  for (let from = 0; from < rows.length; from += atOnce) {
    const some = rows.slice(from, from + atOnce);
    const states = leftBytes > 0 ? await Promise.all(some.map(({ xid }) => stateOf(rooms, xid))) : [];
    for (const [index, row] of some.entries()) {
      const state = states[index];
      leftBytes -= state?.grownBytes ?? 0;
      items.push(itemView(row, origin, leftBytes > 0 ? state : undefined));
    }
  }
  return items;
}

/** Undefined where its log cannot be read or is gone by now: the others are shown all the same. */
async function stateOf({ engine }: Rooms, xid: SummaryRow['xid']): Promise<State | undefined> {
  try {
    return await engine.read(xid);
  } catch (error) {
    if (error instanceof ConcordatError && leavesOthers.has(error.code)) return undefined;
    throw error;
  }
}

const leavesOthers: ReadonlySet<string> = new Set(['log_corrupt', 'transaction_not_found']);
