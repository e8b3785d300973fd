import type { Target } from '../../sdk/protocol/commands.js';
import type { Log } from './log.js';

/** What a person must mend, though it is tried again until then. */
export type Alarm = 'clock' | 'setup';

const words: Readonly<Record<Alarm, string>> = Object.freeze({
  clock: "a participant finds commands too old or too new: its clock and the coordinator's differ",
  setup:
    'a participant does not take commands as they are sent: its address, its handlers or the signing secret are wrong',
});

/** A participant that is asked a thousand times a second is told of once in so long. */
const againMs = 60_000;
/** A flood of different targets must not fill the memory. */
const rememberedMax = 1000;

/** Says such things in the log, where people and their alarms look. */
export class Alarms {
  readonly #log: Log;
  readonly #monotonic: () => number;
  readonly #told = new Map<string, number>();

  constructor(log: Log, monotonic: () => number) {
    this.#log = log;
    this.#monotonic = monotonic;
  }

  /** What the participant answered is not repeated: it may be payload. */
  ring(alarm: Alarm, target: Target, xid: string): void {
    const where = placeOf(target);
    const key = `${alarm} ${JSON.stringify(where)}`;
    const now = this.#monotonic();
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < againMs) return;
    if (this.#told.size >= rememberedMax) this.#told.clear();
    this.#told.set(key, now);
    this.#log.error({ alarm, ...where, xid }, words[alarm]);
  }
}

/** Without what a URL may say in secret: user, path and query. */
const placeOf = (target: Target): object =>
  'url' in target
    ? { origin: new URL(target.url).origin }
    : { participant: target.participant, handler: target.handler };
