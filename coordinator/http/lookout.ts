import type { Clock } from '../clock.js';
import { Census } from '../observe/census.js';
import { Feed } from '../observe/feed.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import { Tally } from '../observe/tally.js';
import type { Store } from '../store/store.js';
import { type StreamLimits, Streams } from './streams.js';

/** What there is to see of a coordinator as a whole, and who watches it. */
export interface Lookout {
  readonly feed: Feed;
  readonly streams: Streams;
  readonly census: Census;
  readonly tally: Tally;
  /** Undefined where nobody asked for them. */
  readonly metrics: Metrics | undefined;
  /** Since the lease of this coordinator was renewed. */
  readonly leaseAgeMs: () => number;
}

export interface LookoutParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the store; nothing is counted without. */
  readonly tally?: Tally;
  readonly metrics?: Metrics | undefined;
  readonly leaseAgeMs?: () => number;
  readonly streams?: Partial<StreamLimits>;
}

export function lookoutOn({ store, clock, log, streams, ...parts }: LookoutParts): Lookout {
  const { tally = new Tally(clock), metrics, leaseAgeMs = () => 0 } = parts;
  return {
    feed: new Feed({ store, clock, log }),
    streams: new Streams(clock, streams),
    census: new Census(store, clock),
    tally,
    metrics,
    leaseAgeMs,
  };
}
