/**
 * Turns new work away while this process is behind with what it has: answered at once, it costs a tenth of what it would,
 * and comes back when there is room. What merely waits for somebody else (a participant that is dead, paused, slow or
 * limited, a later time) is no work of this process and turns nobody away, or one dead participant would stop all.
 */
import type { IncomingMessage } from 'node:http';
import { planted } from '#faults';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Load } from '../engine/workload.js';
import type { NewWork, Rooms } from './route.js';

/** Behind is who takes so long for an append, or whose loop has something to do for so large a share of the time. */
const behind = { appendMs: 100, loopShare: 0.95 };
/** With less work than this share of the bound a slow append is over. */
const littleShare = 0.1;
/** What waits for participants is counted so often. */
const lookEveryMs = 100;

/** Made once: it is thrown most when there is no time to note where. */
const overloaded = new ConcordatError(
  'overloaded',
  'expected room for more work, got more than is done in time; try again later',
);

export interface AdmissionParts {
  readonly engine: { readonly load: Load };
  readonly controls: Pick<Rooms['controls'], 'waitingForRoom'>;
  readonly clock: Pick<Rooms['clock'], 'monotonic'>;
  /** The share of the time since it was asked last in which this process had something to do. */
  readonly loopShare: () => number;
}

export class Admission {
  readonly #parts: AdmissionParts;
  readonly #workMax: number;
  /** Requests whose body is being read. */
  #reading = 0;
  #seen = { waiting: 0, loopShare: 0, at: Number.NEGATIVE_INFINITY };

  /** `workMax`: transactions with something for this process to do, at once. */
  constructor(parts: AdmissionParts, workMax: number) {
    this.#parts = parts;
    this.#workMax = workMax;
  }

  /** Throws `overloaded`. */
  demand(work: NewWork): void {
    const { busy, appendMs } = this.#parts.engine.load;
    const now = busy + this.#reading;
    // Finishing what was begun comes first, so branches of what was let in have twice the room.
    const most = this.#workMax * (work === 'branch' ? 2 : 1);
    const { waiting, loopShare } = this.#look();
    const isSlow = appendMs >= behind.appendMs && now >= most * littleShare;
    const isBehind = isSlow || loopShare >= behind.loopShare;
    const isTooMuch = now >= most || (isBehind && now + waiting >= most);
    if (!isTooMuch || planted('admit-everybody')) return;
    throw overloaded;
  }

  /** Counts a request while its body is read. */
  async reading<T>(body: Promise<T>): Promise<T> {
    this.#reading++;
    try {
      return await body;
    } finally {
      this.#reading--;
    }
  }

  /** Commands that could go to participants that are well: when the process is behind, they wait for it. */
  #look() {
    const { controls, clock, loopShare } = this.#parts;
    const at = clock.monotonic();
    if (at - this.#seen.at >= lookEveryMs)
      this.#seen = { waiting: controls.waitingForRoom(), loopShare: loopShare(), at };
    return this.#seen;
  }
}

/** A small body is read and dropped, so that its connection can go on. */
const droppedBytesMax = 64 * 1024;

export function dropBody(request: IncomingMessage): Promise<void> {
  const bytes = Number(request.headers['content-length'] ?? Number.NaN);
  if (!(bytes <= droppedBytesMax)) return Promise.resolve();
  return new Promise((resolve) => {
    request.on('end', resolve).on('close', resolve).on('error', resolve);
    request.resume();
  });
}
