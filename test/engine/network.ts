import { readAnswer } from '../../coordinator/dispatch/answer.js';
import { localTransport } from '../../coordinator/dispatch/local.js';
import type { Answer, Reply, Transport } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { never } from '../helpers/never.js';
import type { ProcessClock, World } from './clock.js';
import type { Participant } from './participant.js';

/** What becomes of one command on the wire. */
export interface Passage {
  /** How often it arrives; 0: it is lost. */
  readonly copies?: number;
  /** Of the way there, for each copy. */
  readonly delayMs?: number;
  /** Of the way back. */
  readonly answerDelayMs?: number;
  readonly answerLost?: boolean;
}

/** The wire between all coordinators and the participant. What was sent arrives even when its sender is dead. */
export class Network {
  /** Every command that was sent, in order, and by whom. */
  readonly sent: { readonly from: string; readonly command: Command; readonly at: number }[] = [];
  /** What must never be seen on the wire. */
  readonly violations: string[] = [];
  passage: (command: Command) => Passage = () => ({});
  readonly #world: World;
  readonly #participant: Participant;
  readonly #clock: ProcessClock;
  readonly #inFlight = new Map<string, Command>();

  constructor(world: World, participant: Participant) {
    this.#world = world;
    this.#participant = participant;
    this.#clock = world.clock();
  }

  /** The door out of one coordinator: the product's own local transport, with this wire behind it. */
  door(from: string, clock: ProcessClock, onSend: (command: Command) => void): Transport {
    const handle = async (command: Command): Promise<Reply> =>
      readAnswer(await this.#carry(from, command, onSend), command.body.op, clock.now());
    const local = localTransport({ find: (participant) => (participant === 'shop' ? handle : undefined) }, clock);
    return {
      send: (command) => this.#watched(from, command, local.send(command)),
      close: () => local.close(),
    };
  }

  async #carry(from: string, command: Command, onSend: (command: Command) => void): Promise<Answer> {
    this.sent.push({ from, command, at: this.#world.ms });
    onSend(command);
    const { copies = 1, delayMs = 0, answerDelayMs = 0, answerLost = false } = this.passage(command);
    const arrivals = Array.from({ length: copies }, async (_, copy) => {
      await this.#wait(delayMs * (copy + 1));
      return this.#participant.handle(command);
    });
    const answer = await Promise.race([...arrivals, ...(copies === 0 ? [never()] : [])]);
    await this.#wait(answerDelayMs);
    return answerLost ? never() : answer;
  }

  #wait(ms: number): Promise<void> | undefined {
    return ms === 0 ? undefined : new Promise((resolve) => void this.#clock.after(ms, resolve));
  }

  /** As its sender sees it: in flight until it was answered or timed out. */
  async #watched(from: string, command: Command, reply: Promise<Reply>): Promise<Reply> {
    const { xid, branch, op, kind = 'saga' } = command.body;
    const place = `${from} ${xid} ${branch}`;
    const other = this.#inFlight.get(place);
    const phase = op === 'check' ? undefined : phaseOf(kind, op);
    const otherPhase = other && other.body.op !== 'check' ? phaseOf(kind, other.body.op) : undefined;
    if (otherPhase === 'forward' && phase === 'forward') this.violations.push(`${place}: ${op} sent twice at once`);
    if (otherPhase === 'forward' && phase === 'rollback')
      this.violations.push(`${place}: ${op} sent while the forward op is in flight`);
    this.#inFlight.set(place, command);
    try {
      return await reply;
    } finally {
      if (this.#inFlight.get(place) === command) this.#inFlight.delete(place);
    }
  }
}
