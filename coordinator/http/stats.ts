import { type StatsView, type TransactionStatus, transactionStatuses } from '../../sdk/protocol/views.js';
import type { Controlled } from '../dispatch/controls.js';
import type { Counted } from '../observe/census.js';
import type { Answer, Rooms } from './route.js';
import { iso } from './views.js';

/** How the coordinator and its store are doing. */
export async function showStats({ lookout, store, registry, controls, clock }: Rooms): Promise<Answer> {
  const { census, tally, streams } = lookout;
  const [underWay, finished] = await Promise.all([census.underWay(), census.finished()]);
  const { oldest } = underWay;
  const places = placesOf({ registry, controls });
  const body: StatsView = {
    at: iso(clock.now()),
    transactions: countsOf(underWay, finished),
    countedAt: iso(underWay.at),
    finishedCountedAt: iso(finished.at),
    oldestUnfinishedAt: oldest === null ? null : iso(oldest),
    oldestUnfinishedMs: oldest === null ? null : Math.max(0, clock.now() - oldest),
    rates: tally.rates(),
    commands: {
      inFlight: places.reduce((sum, { health }) => sum + health.inFlight, 0),
      held: places.reduce((sum, { health }) => sum + health.held, 0),
    },
    participants: places.map(healthOf),
    store: store.stats(),
    watchers: streams.size,
  };
  return { status: 200, body };
}

/** Where one moved on between the two counts, it is in both or in none: they are counted for people. */
const countsOf = (underWay: Counted, finished: Counted): StatsView['transactions'] =>
  Object.fromEntries(
    transactionStatuses.map((status) => [status, underWay.counts.get(status) ?? finished.counts.get(status) ?? 0]),
  ) as Record<TransactionStatus, number>;

/** Participants that are registered or were sent to, and web origins. */
export const placesOf = ({ registry, controls }: Pick<Rooms, 'registry' | 'controls'>): readonly Controlled[] =>
  [...new Set([...registry.participants().map(({ name }) => name), ...controls.names()])]
    .sort()
    .map((name) => controls.of(name));

const healthOf = ({ name, limits, health }: Controlled): StatsView['participants'][number] => ({
  name,
  paused: limits.paused,
  ...health,
  since: health.since === null ? null : iso(health.since),
});
