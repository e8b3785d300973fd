/** The wire between coordinators and participants: what is on its way arrives, whoever of its sender dies. */
import { localTransport } from '../../coordinator/dispatch/local.js';
import type { Reply, Transport } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import type { ProcessClock } from '../engine/clock.js';
import { never } from '../helpers/never.js';
import type { Service } from './service.js';

/** What becomes of a command: its request is lost, or its answer. */
export type Loss = 'request' | 'answer';

const gone: Reply = Object.freeze({ kind: 'unknown', error: 'the connection was refused' });

export interface WireParts {
  readonly serviceOf: (participant: string) => Service | undefined;
  readonly lossOf: (from: string) => Loss | undefined;
  readonly note: (line: string) => void;
}

export class Wire {
  /** What must never be seen on it. */
  readonly violations: string[] = [];
  sent = 0;
  readonly #parts: WireParts;
  readonly #inFlight = new Map<string, Command>();

  constructor(parts: WireParts) {
    this.#parts = parts;
  }

  /** The door out of one coordinator: the product's own transport with this wire behind it. */
  door(from: string, clock: ProcessClock, onSend: () => void): Transport {
    const find = () => (command: Command) => this.#carry(from, command, onSend);
    const local = localTransport({ find }, clock);
    return {
      send: (command) => this.#watched(from, command, local.send(command)),
      close: () => local.close(),
    };
  }

  async #carry(from: string, command: Command, onSend: () => void): Promise<Reply> {
    const { serviceOf, lossOf, note } = this.#parts;
    const { body, target, attempt } = command;
    this.sent++;
    note(`${from} sends ${body.branch}.${body.op} attempt ${attempt}`);
    const loss = lossOf(from);
    onSend();
    if (loss === 'request' || 'url' in target) return never();
    const reply = (await serviceOf(target.participant)?.take(command)) ?? gone;
    return loss === 'answer' ? never() : reply;
  }

  /** As its sender sees it: in flight until it was answered or timed out. */
  async #watched(from: string, command: Command, reply: Promise<Reply>): Promise<Reply> {
    const { xid, branch, op } = command.body;
    const place = `${from} ${xid} ${branch}`;
    const other = this.#inFlight.get(place);
    if (other) this.#assertAlone(place, other, command);
    this.#inFlight.set(place, command);
    try {
      return await reply;
    } finally {
      if (this.#inFlight.get(place) === command) this.#inFlight.delete(place);
      this.#parts.note(`${from} is done with ${branch}.${op}`);
    }
  }

  #assertAlone(place: string, other: Command, { body: { op, kind = 'saga' } }: Command): void {
    if (op === 'check' || phaseOf(kind, other.body.op) !== 'forward') return;
    const phase = phaseOf(kind, op);
    if (phase === 'forward') this.violations.push(`I5 ${place}: ${op} is sent twice at once`);
    if (phase === 'rollback') this.violations.push(`I7 ${place}: ${op} is sent while the forward op is in flight`);
  }
}
