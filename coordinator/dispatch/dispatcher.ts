import { planted, reach } from '#faults';
import { type Command, commandKey, type Target } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { defaults } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';
import type { CommandQueue } from '../queue/queue.js';
import { Absence, everywhere, type Presence } from './absence.js';
import { type CallBack, Crowd, standsAside } from './crowd.js';
import type { Errand, Lane } from './lane.js';
import { Lanes, laneOf } from './lanes.js';
import type { Place, Turn } from './place.js';
import type { Reply, Transport } from './transport.js';

export interface DispatcherOptions {
  readonly transport: Transport;
  readonly queue: Pick<CommandQueue, 'consume'>;
  readonly clock: Clock;
  /** Takes what came of a command. */
  readonly report: (command: Command, reply: Reply) => Promise<void> | void;
  /** Who is there to take commands. Everybody, unless it says otherwise. */
  readonly presence?: Presence;
  /** Who may go now; room for so many calls at once to each target, unless it says otherwise. */
  readonly lanes?: Lanes;
  /** Asks for a command again that stood aside; without it all that wait are kept. */
  readonly callBack?: CallBack;
  /** So many of one crowd that waits are kept. */
  readonly atHandMax?: number;
  /** Hears what `report` or the transport threw. Such a command is outstanding still: the sweep sends it again. */
  readonly onError?: (error: unknown, command: Command) => void;
}

/**
 * The door out: takes commands from the queue, sends each when its target is there and its lane lets it, and reports what
 * came of it. Each target has a lane of its own, so a slow one delays no other. A command that is here already is not taken a second
 * time: its one outcome is reported once.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #presence: Presence;
  readonly #absence = new Absence();
  readonly #lanes: Lanes;
  readonly #crowds = new Map<string, Crowd>();
  readonly #here = new Set<string>();
  readonly #held = new Set<Place>();
  readonly #heldByBranch = new Map<string, Set<Place>>();
  #inFlight = 0;
  #stopped = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#presence = options.presence ?? everywhere;
    this.#lanes = options.lanes ?? new Lanes(options.clock, defaults.concurrency);
    this.#presence.watch((participant) => this.#absence.came(participant, this.#presence));
    options.queue.consume((command) => this.#take(command));
  }

  /** Commands that are being sent now. */
  inFlight(): number {
    return this.#inFlight;
  }

  /** Commands that wait for their target or for their lane; not sent, no attempt. */
  held(): number {
    return this.#held.size;
  }

  /** Commands for a target that wait, but not in its lane: for an instance, or aside. */
  waitingFor(name: string): number {
    let count = this.#absence.count(name);
    for (const { target, aside } of this.#crowds.values()) if (target === name) count += aside;
    return count;
  }

  /** Commands that stand aside for targets that are well, and where somebody takes them. */
  asideFor(isWell: (name: string) => boolean): number {
    let count = 0;
    for (const { target, aside } of this.#crowds.values())
      if (aside > 0 && this.#absence.count(target) === 0 && isWell(target)) count += aside;
    return count;
  }

  /** Whether a command of that branch is held. */
  isHeld(xid: Xid, branch: number): boolean {
    return this.#heldByBranch.has(branchKey(xid, branch));
  }

  /** Drops the held commands of a branch, each reported as not sent. False when there was none. */
  recall(xid: Xid, branch: number): boolean {
    let recalled = false;
    for (const place of this.#heldByBranch.get(branchKey(xid, branch)) ?? [])
      recalled = place.leave('recalled') || recalled;
    return recalled;
  }

  /** Sends nothing more, lets go of what is held, and waits, at most `graceMs`, for what is in flight to be reported. */
  async drain(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#lanes.stop();
    for (const place of this.#held) place.leave('stopped');
    if (this.#here.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(graceMs, resolve);
      this.#whenEmpty = () => {
        cancel();
        resolve();
      };
    });
  }

  async #take(command: Command): Promise<void> {
    const key = `${command.body.xid} ${commandKey(command.body.branch, command.body.op, command.attempt)}`;
    if (this.#stopped || this.#here.has(key)) return;
    this.#here.add(key);
    try {
      const lane = this.#lanes.of(laneOf(command.target));
      const turn = this.#tryEnter(command, lane) ? 'go' : await this.#waitOrStandAside(command, lane);
      if (turn === 'stopped') return;
      let reply = turn === 'go' ? undefined : turn === 'aside' ? standsAside : recalled;
      if (!reply) {
        const begunAt = this.#options.clock.monotonic();
        try {
          reply = await this.#send(command);
        } finally {
          this.#inFlight--;
          lane.exit(reply, begunAt);
        }
      }
      await this.#options.report(command, reply);
      if (turn === 'aside') this.#crowdOf(command).standAside(command.body.xid);
    } catch (error) {
      this.#options.onError?.(error, command);
    } finally {
      this.#here.delete(key);
      if (this.#here.size === 0) this.#whenEmpty?.();
    }
  }

  /** Enters the lane at once; false when the target is not there or the lane has it wait. */
  #tryEnter(command: Command, lane: Lane): boolean {
    return this.#isThere(command.target) && lane.tryEnter(errandOf(command));
  }

  async #waitOrStandAside(command: Command, lane: Lane): Promise<Turn | 'aside'> {
    const crowd = this.#crowdOf(command);
    if (crowd.isFull(command.body.xid)) return 'aside';
    crowd.came();
    try {
      return await this.#wait(command, lane);
    } finally {
      crowd.went();
      if (crowd.isEmpty) this.#crowds.delete(crowd.name);
    }
  }

  /** Waits until the target is there and the lane lets it go, however often that changes meanwhile. On `go` it has entered. */
  async #wait(command: Command, lane: Lane): Promise<Turn> {
    const { target } = command;
    while (!this.#tryEnter(command, lane)) {
      const waitsForSomebody = 'participant' in target && !this.#isThere(target);
      const place = waitsForSomebody ? this.#absence.wait(target) : lane.wait(errandOf(command));
      const turn = await this.#hold(command, place);
      if (turn !== 'go') return turn;
      if (waitsForSomebody) continue;
      if (this.#isThere(target)) return turn;
      lane.exit(undefined);
    }
    return 'go';
  }

  /**
   * Of each handler and errand: those who wait for a handler that nobody has, or for the budget of repeats, keep nobody
   * aside who waits for less.
   */
  #crowdOf(command: Command): Crowd {
    const target = laneOf(command.target);
    const handler = 'handler' in command.target ? command.target.handler : '';
    const name = `${target}/${handler}/${errandOf(command)}`;
    const crowd = this.#crowds.get(name) ?? new Crowd(name, target, this.#options);
    this.#crowds.set(name, crowd);
    return crowd;
  }

  #isThere(target: Target): boolean {
    return 'url' in target || this.#presence.reaches(target) || planted('a-missing-instance-is-an-attempt');
  }

  #send(command: Command): Promise<Reply> {
    this.#inFlight++;
    reach('after-queue-before-send');
    return this.#options.transport.send(command);
  }

  async #hold(command: Command, place: Place): Promise<Turn> {
    const branch = branchKey(command.body.xid, command.body.branch);
    const places = this.#heldByBranch.get(branch) ?? new Set();
    this.#heldByBranch.set(branch, places.add(place));
    this.#held.add(place);
    const turn = await place.turn;
    this.#held.delete(place);
    places.delete(place);
    if (places.size === 0) this.#heldByBranch.delete(branch);
    return turn;
  }
}

const recalled: Reply = Object.freeze({ kind: 'unknown', error: 'recalled before it was sent' });

const branchKey = (xid: Xid, branch: number): string => `${xid} ${branch}`;

/** Only a branch is begun: a check is what an end waits for. */
function errandOf({ attempt, body: { kind, op } }: Command): Errand {
  if (attempt > 1) return 'again';
  return kind && phaseOf(kind, op) === 'forward' ? 'begin' : 'end';
}
