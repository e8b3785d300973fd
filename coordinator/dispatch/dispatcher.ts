import { planted, reach } from '#faults';
import { type Command, commandKey, type Target } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Clock } from '../clock.js';
import type { CommandQueue } from '../queue/queue.js';
import { Absence, everywhere, type Presence } from './absence.js';
import { Lane } from './lane.js';
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
  /** Calls to one target at once. */
  readonly perTarget?: number;
  /** Hears what `report` or the transport threw. Such a command is outstanding still: the sweep sends it again. */
  readonly onError?: (error: unknown, command: Command) => void;
}

const perTargetDefault = 256;

/**
 * The door out: takes commands from the queue, sends each when its target is there and has room, and reports what came
 * of it. Each target has a lane of its own, so a slow one delays no other. A command that is here already is not taken a second
 * time: its one outcome is reported once.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #presence: Presence;
  readonly #absence = new Absence();
  readonly #lanes = new Map<string, Lane>();
  readonly #here = new Set<string>();
  readonly #held = new Set<Place>();
  readonly #heldByBranch = new Map<string, Set<Place>>();
  #inFlight = 0;
  #stopped = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#presence = options.presence ?? everywhere;
    this.#presence.watch((participant) => this.#absence.came(participant, this.#presence));
    options.queue.consume((command) => this.#take(command));
  }

  /** Commands that are being sent now. */
  inFlight(): number {
    return this.#inFlight;
  }

  /** Commands that wait for their target or for room there; not sent, no attempt. */
  held(): number {
    return this.#held.size;
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
      const name = laneOf(command.target);
      const turn = this.#tryEnter(command, name) ? 'go' : await this.#wait(command, name);
      if (turn === 'stopped') return;
      let reply = recalled;
      if (turn === 'go') {
        try {
          reply = await this.#send(command);
        } finally {
          this.#inFlight--;
          this.#leave(name);
        }
      }
      await this.#options.report(command, reply);
    } catch (error) {
      this.#options.onError?.(error, command);
    } finally {
      this.#here.delete(key);
      if (this.#here.size === 0) this.#whenEmpty?.();
    }
  }

  /** Takes a slot of the lane at once; false when the target is not there or has no room. */
  #tryEnter({ target }: Command, name: string): boolean {
    return this.#isThere(target) && this.#lane(name).tryEnter();
  }

  /** Waits until the target is there and has room, however often it goes meanwhile. On `go` a slot of its lane is taken. */
  async #wait(command: Command, name: string): Promise<Turn> {
    const { target } = command;
    while (!this.#tryEnter(command, name)) {
      const waitsForSomebody = 'participant' in target && !this.#isThere(target);
      const place = waitsForSomebody ? this.#absence.wait(target) : this.#lane(name).wait();
      const turn = await this.#hold(command, place);
      if (turn !== 'go') return turn;
      if (waitsForSomebody) continue;
      if (this.#isThere(target)) return turn;
      this.#leave(name);
    }
    return 'go';
  }

  #isThere(target: Target): boolean {
    return 'url' in target || this.#presence.reaches(target) || planted('a-missing-instance-is-an-attempt');
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? new Lane(this.#options.perTarget ?? perTargetDefault);
    this.#lanes.set(name, lane);
    return lane;
  }

  #leave(name: string): void {
    const lane = this.#lane(name);
    lane.exit();
    if (lane.isEmpty) this.#lanes.delete(name);
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

/** A web origin or a participant. Cut from the text, as parsing a URL costs more than the rest of a dispatch. */
function laneOf(target: Target): string {
  if ('participant' in target) return target.participant;
  const path = target.url.indexOf('/', target.url.indexOf('//') + 2);
  return path < 0 ? target.url : target.url.slice(0, path);
}
