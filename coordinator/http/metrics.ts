import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Answer, Rooms } from './route.js';
import { placesOf } from './stats.js';

/** For Prometheus. Anybody may ask, so the store is asked once a second at most. */
export async function showMetrics({ lookout, registry, controls, clock }: Rooms): Promise<Answer> {
  const { census, metrics, streams, leaseAgeMs } = lookout;
  if (!metrics) throw new ConcordatError('not_available', 'metrics are off here: embed with { metrics: true }');
  const underWay = await census.underWay();
  const places = placesOf({ registry, controls }).map(({ name, health }) => ({ name, ...health }));
  const moment = { ...underWay, now: clock.now(), places, watchers: streams.size, leaseAgeMs: leaseAgeMs() };
  return { status: 200, body: await metrics.text(moment), headers: { 'content-type': metrics.contentType } };
}
