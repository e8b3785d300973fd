/** A coordinator to throw requests at, and what it holds afterwards. */
import type { ExecutionContext } from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import type { Described, Pools } from '../http/drawn.js';
import { type Serving, startServing } from '../http/serving.js';
import { Dice } from '../simulation/chance.js';

/** From the environment, to see a run again or to run longer. Throws on a value that is none. */
export const numberFrom = (name: string, usual: number): number => {
  const text = process.env[name];
  if (text === undefined) return usual;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`${name}: expected a whole number, got ${JSON.stringify(text)}`);
};

/** How often each status came. */
export const counted = (statuses: ReadonlyMap<number, number>): string =>
  [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');

export interface Ground extends Serving {
  readonly port: number;
  readonly document: Described;
  readonly dice: Dice;
  /** Names that mean something there. Some of its xids are exchanged for new ones now and then. */
  readonly pools: Pools;
  /** Transactions that their initiators drive, and that nobody decides: all there ever were. */
  readonly victims: readonly string[];
  /** Opens new ones in the place of the last. */
  renew(): Promise<void>;
  /** Of every transaction that is stored. */
  xids(): Promise<ReadonlySet<string>>;
  /** Of every instance that is registered: `participant/id`. */
  instances(): Promise<ReadonlySet<string>>;
  /** How many rows the log of a transaction has. */
  rowsOf(xid: string): Promise<number>;
}

const victimsAtOnce = 5;

export async function prepareGround(t: ExecutionContext, name: string): Promise<Ground> {
  const seed = numberFrom('CONCORDAT_FUZZ_SEED', 1);
  // At once, and not at the end, which may not come.
  console.log(`fuzz, ${name}: CONCORDAT_FUZZ_SEED=${seed}`);
  const kinds = { 'stock/reserve': 'saga', 'stock/hold': 'tcc' } as const;
  const serving = await startServing(t, { kinds, answer });
  const { body: document } = await serving.get('/openapi.json');
  const victims: string[] = [];
  const xids: Json[] = ['fuzz-1', 'fuzz-2', 'nowhere'];
  const renew = async (): Promise<void> => {
    xids.splice(0, xids.length - 3);
    for (let nth = 0; nth < victimsAtOnce; nth++) {
      const { body } = await serving.post('/v1/transactions', {
        xid: `victim-${victims.length}`,
        name: 'victim',
        timeoutMs: 3_600_000,
      });
      victims.push(body.xid);
      xids.unshift(body.xid);
    }
    serving.sent.length = 0;
  };
  await renew();
  const pools: Pools = {
    xid: xids,
    name: ['stock', 'order'],
    participant: ['stock'],
    handler: ['reserve', 'hold'],
    id: ['a', 'b', 'c'],
    'after[]': ['a', 'b', 'c'],
    n: [1, 2],
    branch: [1, 2],
  };
  return {
    ...serving,
    port: Number(new URL(serving.url).port),
    document,
    dice: new Dice(seed, name),
    pools,
    victims,
    renew,
    xids: () => xidsOf(serving),
    instances: async () =>
      new Set((await serving.store.instances()).map(({ participant, id }) => `${participant}/${id}`)),
    rowsOf: async (xid) => (await serving.store.load(xid as Xid)).length,
  };
}

const answer = ({ body: { op } }: Command): Reply =>
  op === 'check' ? { kind: 'checked', answer: 'rollback' } : { kind: 'done', output: { ok: true } };

async function xidsOf({ store }: Serving): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await store.list({ statuses: [], limit: 500, ...(cursor !== undefined && { cursor }) });
    for (const { xid } of page.items) found.add(xid);
    cursor = page.nextCursor ?? null;
  }
  return found;
}
