/** Bodies that are right, so that what is changed about one is all that is wrong with it. */
import type { Json } from '../../sdk/protocol/json.js';
import type { Dice } from '../simulation/chance.js';

const url = 'http://127.0.0.1:9/x';

const plan = (dice: Dice): Json => ({
  name: 'order',
  ...(dice.chance(0.3) && { xid: `whole-${dice.below(1_000_000)}` }),
  ...(dice.chance(0.3) && { businessKey: 'order 7 of 2030', metadata: { shop: { city: 'Köln' }, lines: [1, 2] } }),
  ...(dice.chance(0.3) && { timeoutMs: 60_000 }),
  ...(dice.chance(0.2) && { onTimeout: 'ask', check: { url } }),
  steps: [
    { id: 'a', kind: 'saga', url, input: { sku: 'tea', quantity: 2 }, retry: { attemptsMax: 3, factor: 1.5 } },
    { id: 'b', participant: 'stock', handler: 'hold', after: ['a'], input: { of: { $from: 'a.lines.0.id' } } },
    { id: 'c', kind: 'saga', url, after: ['a'], timeoutMs: 5000, input: { $value: { $from: 'no reference' } } },
    { id: 'd', kind: 'message', url, key: 'order 7', deliverAt: '2030-01-31T12:00:00Z', after: ['b', 'c'] },
  ],
});

const open = (dice: Dice): Json => ({
  name: 'initiated',
  timeoutMs: dice.between(1000, 3_600_000),
  metadata: { a: [{ b: null }] },
});

/** By operation; undefined of those whose bodies say little. */
const bodies: Readonly<Record<string, (dice: Dice) => Json>> = {
  openTransaction: (dice) => (dice.chance(0.7) ? plan(dice) : open(dice)),
  addBranch: (dice) => ({
    id: `w${dice.below(1_000_000_000)}`,
    kind: dice.one(['saga', 'tcc', 'xa', 'at']),
    url,
    input: { a: 'ü', b: [1, 2.5, -3e5, true, null] },
    retry: { attemptsMax: 5, initialMs: 10, maxMs: 100, factor: 2 },
  }),
  registerInstance: () => ({
    url,
    handlers: [
      { name: 'reserve', kind: 'saga', external: true },
      { name: 'hold', kind: 'tcc', external: false },
    ],
    checks: ['order'],
    sdk: 'test/1',
    resourceGroup: 'money',
    batch: true,
    ttlMs: 60_000,
  }),
  resolve: () => ({ branches: [{ branch: 1, as: 'done', output: { ok: true }, reason: 'looked at it by hand' }] }),
  takeOutcome: () => ({ op: 'action', outcome: 'done', output: { ok: true } }),
};

export const wholeBody = (operation: string, dice: Dice): Json | undefined => bodies[operation]?.(dice);
