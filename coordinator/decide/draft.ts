import type { Event } from './events.js';
import { applyEvent, type Row } from './fold.js';
import type { Moment } from './inputs.js';
import type { State } from './state.js';

/** Events being decided together, and the state they lead to. Applies each event as the log will. */
export class Draft {
  readonly moment: Moment;
  readonly events: Event[] = [];
  readonly #row: Row;
  #state: State | undefined;

  constructor(state: State | undefined, row: Row, moment: Moment) {
    this.#state = state;
    this.#row = row;
    this.moment = moment;
  }

  /** The state with all events so far. */
  get state(): State {
    if (!this.#state) throw new Error(`${this.#row.xid}: nothing is opened yet`);
    return this.#state;
  }

  /** Seq of the row that these events will be. */
  get seq(): number {
    return this.#row.seq;
  }

  emit(event: Event): void {
    this.#state = applyEvent(this.#state, event, this.#row);
    this.events.push(event);
  }
}
