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

/** From so long an append on, the process or its store is behind. */
const behindMs = 100;
/** With less work than this share of the bound nobody is turned away, however long it takes. */
const littleShare = 0.1;
/** What waits in lanes is counted so often. */
const countEveryMs = 100;

export interface AdmissionParts {
  readonly engine: { readonly load: Load };
  readonly controls: Pick<Rooms['controls'], 'waitingForRoom'>;
  readonly clock: Pick<Rooms['clock'], 'monotonic'>;
}

export class Admission {
  readonly #rooms: AdmissionParts;
  readonly #workMax: number;
  /** Requests whose body is being read. */
  #reading = 0;
  #ready = { count: 0, at: Number.NEGATIVE_INFINITY };

  /** `workMax`: transactions with something for this process to do, at once. */
  constructor(rooms: AdmissionParts, workMax: number) {
    this.#rooms = rooms;
    this.#workMax = workMax;
  }

  /** Throws `overloaded`. */
  demand(work: NewWork): void {
    const { busy, appendMs } = this.#rooms.engine.load;
    const now = busy + this.#reading;
    // Finishing what was begun comes first, so branches of what was let in have twice the room.
    const most = this.#workMax * (work === 'branch' ? 2 : 1);
    const isTooMuch =
      now >= most || (appendMs >= behindMs && now >= most * littleShare && now + this.#inLanes() >= most);
    if (!isTooMuch || planted('admit-everybody')) return;
    throw new ConcordatError(
      'overloaded',
      'expected room for more work, got more than is done in time; try again later',
    );
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
  #inLanes(): number {
    const now = this.#rooms.clock.monotonic();
    if (now - this.#ready.at >= countEveryMs) this.#ready = { count: this.#rooms.controls.waitingForRoom(), at: now };
    return this.#ready.count;
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
