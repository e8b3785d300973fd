import type { Clock } from '../clock.js';
import type { Metrics } from '../observe/metrics.js';
import { unplaced } from './absence.js';
import { laneOf } from './lanes.js';
import type { Transport } from './transport.js';

/** A transport whose calls are counted and timed. */
export const meteredTransport = (
  transport: Transport,
  metrics: Pick<Metrics, 'called'>,
  clock: Pick<Clock, 'monotonic'>,
): Transport => ({
  send(command) {
    const began = clock.monotonic();
    return transport.send(command).then((reply) => {
      const ms = clock.monotonic() - began;
      if (reply !== unplaced) metrics.called(laneOf(command.target), command.body.op, reply.kind, ms);
      return reply;
    });
  },
  close: () => transport.close(),
});
