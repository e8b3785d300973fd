/** The coordinator is killed at every point that has a name, twice in one life of its store, and goes on each time. */
import test, { type ExecutionContext } from 'ava';
import { type Failpoint, failpoints } from '../../coordinator/faults/faults.js';
import { type OrderKind, orderKinds } from './orders.js';
import { type Shop, startShop } from './shop.js';
import { Slots } from './slots.js';

/** What each point is a case of. One that is not named here is tested all the same. */
const scenarios: Partial<Record<Failpoint, string>> = {
  'before-open-append': 'A1',
  'after-open-append': 'A2 A3',
  'before-result-append': 'A7',
  'after-result-append': 'A8',
  'before-decision-append': 'A9',
  'after-decision-append': 'A10',
  'before-end-append': 'A12',
  'after-end-append': 'A12',
  'before-adopt-append': 'A13',
  'after-adopt-append': 'A13',
  'after-queue-before-send': 'A4 A5',
  'before-send': 'A5 A11',
  'after-send-before-reply': 'A6 A11',
  'after-reply': 'A7 A11',
  'before-answer': 'A2 E1',
  'before-commit': 'A1 A7 A9',
  'after-commit': 'A2 A3 A8 A10',
};

/** The second kill falls into the recovery from the first. */
const numbers = (name: Failpoint): string => [...new Set([scenarios[name] ?? 'A1-A12', 'A13'])].join(' ');

const kinds: readonly OrderKind[] = ['good', 'refused', 'sold out'];

/** Of several orders; an order passes the points around a call or a commit more often than the others. */
const laterHit = (name: Failpoint): number => (name.endsWith('-append') || name === 'before-answer' ? 3 : 5);

const slots = new Slots();

for (const name of failpoints) {
  for (const kind of kinds) {
    const title = `${numbers(name)} I1-I5: killed ${name.replaceAll('-', ' ')}, and again at hit ${laterHit(name)}, an order (${kind}) ends ${orderKinds[kind].ends}`;
    test(title, (t) => slots.run(() => killedTwice(t, name, kind)));
  }
}

async function killedTwice(t: ExecutionContext, name: Failpoint, kind: OrderKind): Promise<void> {
  const { shop, placing } = await (name.includes('-adopt-') ? diedBefore(t, name, kind) : diedThere(t, name, kind));
  t.deepEqual(await shop.auditNow(), [], 'while it is dead');
  await shop.coordinator.start({ failpoint: `${name}@${laterHit(name)}` });
  await shop.coordinator.diesAtFailpoint();
  t.deepEqual(await shop.auditNow(), [], 'while it is dead again');
  await shop.coordinator.start();
  const xids = await Promise.all(placing);
  await endedAsTheyMust(t, shop, xids);
  t.deepEqual(await shop.audit(), []);
}

interface Died {
  readonly shop: Shop;
  readonly placing: readonly Promise<string>[];
}

async function endedAsTheyMust(t: ExecutionContext, shop: Shop, xids: readonly string[]): Promise<void> {
  for (const { xid, status } of await shop.settled(xids)) {
    const { ends, effects } = orderKinds[shop.kinds.get(xid)!];
    t.is(status, ends, xid);
    t.deepEqual(await shop.effects(xid), [...effects], xid);
  }
}

/** Killed the first time it comes there; three more orders come in meanwhile. */
async function diedThere(t: ExecutionContext, name: Failpoint, kind: OrderKind): Promise<Died> {
  const shop = await startShop(t, { failpoint: name, named: isNamed(kind) });
  const first = shop.order(kind);
  await shop.coordinator.diesAtFailpoint();
  return { shop, placing: [first, ...three(shop, kind)] };
}

/** Killed with three orders under way, and then the first time that it takes over what a dead one left. */
async function diedBefore(t: ExecutionContext, name: Failpoint, kind: OrderKind): Promise<Died> {
  const shop = await startShop(t, { named: isNamed(kind) });
  const held = shop.services.order.hold('before-work');
  const placing = three(shop, kind);
  await Promise.all([
    held.arrived,
    ...[...shop.kinds.keys()].map((xid) => shop.reaches(xid, ({ waitingOn }) => waitingOn.length > 0)),
  ]);
  await shop.coordinator.kill();
  held.release();
  await shop.coordinator.start({ failpoint: name });
  await shop.coordinator.diesAtFailpoint();
  return { shop, placing };
}

/** Steps name participants in one kind, and in the others have their URLs. */
const isNamed = (kind: OrderKind): boolean => kind === 'refused';

/** One of them is driven by its client. */
const three = (shop: Shop, kind: OrderKind): readonly Promise<string>[] =>
  ([kind, kind, 'initiated'] as const).map((each) => shop.order(each));
