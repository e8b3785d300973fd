/** A stream of orders while the coordinator and the services are killed at moments drawn from a seed. */
import { setTimeout as after } from 'node:timers/promises';
import { failpoints } from '../../coordinator/faults/faults.js';
import type { TransactionView } from '../../sdk/protocol/views.js';
import { type OrderKind, orderKinds } from './orders.js';
import type { Scope } from './program.js';
import { wrongInFile } from './recording.js';
import { among, between, type Draw, seeded } from './seeded.js';
import { type ProviderProcess, type Service, serviceNames, servicePoints } from './services.js';
import { type Shop, startShop } from './shop.js';

export interface Storm {
  readonly seed: number;
  /** How long orders come in and things are killed. */
  readonly forMs: number;
  /** From one order to the next, at most. */
  readonly pauseMs: number;
  /** Where its history goes: a new file. */
  readonly history: string;
  readonly say: (line: string) => void;
}

export interface Aftermath {
  readonly kills: Readonly<Record<string, number>>;
  readonly orders: Readonly<Record<string, number>>;
  /** Empty when every invariant holds. */
  readonly wrong: readonly string[];
}

/** All that is not settled this long after the last kill is stuck (I10). */
const settlesWithinMs = 90_000;

export async function storm(scope: Scope, options: Storm): Promise<Aftermath> {
  const { seed, forMs, pauseMs, history, say } = options;
  say(`seed ${seed}`);
  const shop = await startShop(scope, { apart: serviceNames, named: true, provider: ['--lose-every', '7'] });
  const until = performance.now() + forMs;
  const orders = stream(shop, seeded(seed), until, pauseMs);
  const victims = victimsOf(shop);
  const wreaking = victims.map((victim, index) => wreak(victim, seeded(seed * 1000 + index), until, say));
  const [xids, counts] = await Promise.all([orders, Promise.all(wreaking)]);
  const kills = Object.fromEntries(victims.map(({ name }, index) => [name, counts[index] ?? 0]));
  say(`${xids.length} orders, ${JSON.stringify(kills)} kills; waiting for the ends`);
  const ended = await shop.settled(xids, settlesWithinMs);
  return {
    kills,
    orders: countBy(xids.map((xid) => shop.kinds.get(xid)!)),
    wrong: [
      ...new Set([
        ...(await shop.audit()),
        ...otherwise(shop, ended),
        ...(await wrongInFile(shop, history, `storm of seed ${seed}`)),
      ]),
    ],
  };
}

/** Orders that did not end as their kind does: deaths of others are no reason. */
function otherwise(shop: Shop, ended: readonly TransactionView[]): readonly string[] {
  return ended.flatMap(({ xid, status, reason }) => {
    const { ends } = orderKinds[shop.kinds.get(xid)!];
    if (status === ends) return [];
    return [`${xid}: expected ${ends}, got ${status} (${reason})`];
  });
}

const kinds: readonly OrderKind[] = [
  'good',
  'good',
  'refused',
  'sold out',
  'initiated',
  'initiated, refused',
  'transferred',
  'transferred, sold out',
  'saga',
  'tcc',
];

/** One order after the other, whatever becomes of those before. Resolves with the xids when all have been placed. */
async function stream(shop: Shop, draw: Draw, until: number, pauseMs: number): Promise<readonly string[]> {
  const placing: Promise<string>[] = [];
  while (performance.now() < until) {
    const order = shop.order(among(draw, kinds));
    // Told at the end, with the others.
    order.catch(() => undefined);
    placing.push(order);
    await after(between(draw, 0, pauseMs));
  }
  return Promise.all(placing);
}

/** Something that is killed and started again. */
interface Victim {
  readonly name: string;
  readonly points: readonly string[];
  /** It lives at most so long. */
  readonly livesMs: number;
  readonly part: Shop['coordinator'] | Service | ProviderProcess;
}

const victimsOf = ({ coordinator, services, provider }: Shop): readonly Victim[] => [
  { name: 'coordinator', points: failpoints, livesMs: 4000, part: coordinator },
  ...serviceNames.map((name) => ({ name, points: servicePoints, livesMs: 4000, part: services[name] })),
  ...(provider ? [{ name: 'provider', points: [], livesMs: 4000, part: provider }] : []),
];

/** Life after life, each ended by a kill from outside or by its own hand at a point that has a name, until the time is up. */
async function wreak({ name, points, livesMs, part }: Victim, draw: Draw, until: number, say: Storm['say']) {
  let kills = 0;
  while (performance.now() < until) {
    const livesFor = Math.min(between(draw, 50, livesMs), until - performance.now());
    const byItself = await Promise.race([part.ending, after(livesFor, undefined, { ref: false })]);
    await part.kill();
    kills++;
    const downMs = draw() < 0.7 ? 0 : between(draw, 1, 400);
    const failpoint =
      draw() < 0.5 || points.length === 0 ? undefined : `${among(draw, points)}@${between(draw, 1, 40)}`;
    say(
      `${name} ${byItself ? 'killed itself' : 'killed'}, down ${downMs} ms${failpoint ? `, then armed with ${failpoint}` : ''}`,
    );
    await after(downMs);
    await part.start({ failpoint });
  }
  await part.kill();
  await part.start();
  return kills;
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
