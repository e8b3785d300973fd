import { reach } from '#faults';
import { type Command, commandKey, type Target } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Clock } from '../clock.js';
import type { CommandQueue } from '../queue/queue.js';
import { Lane, type Place } from './lane.js';
import type { Reply, Transport } from './transport.js';

export interface DispatcherOptions {
  readonly transport: Transport;
  readonly queue: Pick<CommandQueue, 'consume'>;
  readonly clock: Clock;
  /** Takes what came of a command. */
  readonly report: (command: Command, reply: Reply) => Promise<void>;
  /** Calls to one target at once. */
  readonly perTarget?: number;
  /** Hears what `report` or the transport threw. Such a command is outstanding still: the sweep sends it again. */
  readonly onError?: (error: unknown, command: Command) => void;
}

/** The door out: takes commands from the queue, sends each when its target has room, and reports what came of it. */
export interface Dispatcher {
  /** Commands that are being sent now. */
  inFlight(): number;
  /** Commands that wait for room at their target; not sent, no attempt. */
  held(): number;
  /** Drops the held commands of a branch, each reported as not sent. False when there was none. */
  recall(xid: Xid, branch: number): boolean;
  /** Sends nothing more, lets go of what is held, and waits, at most `graceMs`, for what is in flight to be reported. */
  drain(graceMs: number): Promise<void>;
}

const perTargetDefault = 256;

/**
 * Each target has a lane of its own, so a slow one delays no other. A command that is here already is not taken a
 * second time: its one outcome is reported once.
 */
export function dispatcher(options: DispatcherOptions): Dispatcher {
  const { transport, queue, clock, report, perTarget = perTargetDefault, onError } = options;
  const lanes = new Map<string, Lane>();
  const here = new Set<string>();
  const held = new Map<Place, Command>();
  const heldByBranch = new Map<string, Set<Place>>();
  let inFlight = 0;
  let stopped = false;
  let whenEmpty: (() => void) | undefined;

  queue.consume(async (command) => {
    const key = `${command.body.xid} ${commandKey(command.body.branch, command.body.op, command.attempt)}`;
    if (stopped || here.has(key)) return;
    here.add(key);
    try {
      await handle(command);
    } catch (error) {
      onError?.(error, command);
    } finally {
      here.delete(key);
      if (here.size === 0) whenEmpty?.();
    }
  });

  async function handle(command: Command): Promise<void> {
    const name = laneOf(command.target);
    const lane = lanes.get(name) ?? new Lane(perTarget);
    lanes.set(name, lane);
    const turn = lane.tryEnter() ? 'go' : await hold(command, lane.wait());
    if (turn === 'stopped') return;
    if (turn === 'recalled') return report(command, { kind: 'unknown', error: 'recalled before it was sent' });
    inFlight++;
    let reply: Reply;
    try {
      reach('after-queue-before-send');
      reply = await transport.send(command);
    } finally {
      inFlight--;
      lane.exit();
      if (lane.isEmpty) lanes.delete(name);
    }
    await report(command, reply);
  }

  async function hold(command: Command, place: Place) {
    const branch = branchKey(command.body.xid, command.body.branch);
    const places = heldByBranch.get(branch) ?? new Set();
    heldByBranch.set(branch, places.add(place));
    held.set(place, command);
    const turn = await place.turn;
    held.delete(place);
    places.delete(place);
    if (places.size === 0) heldByBranch.delete(branch);
    return turn;
  }

  return {
    inFlight: () => inFlight,
    held: () => held.size,
    recall(xid, branch) {
      let recalled = false;
      for (const place of heldByBranch.get(branchKey(xid, branch)) ?? [])
        recalled = place.leave('recalled') || recalled;
      return recalled;
    },
    async drain(graceMs) {
      stopped = true;
      for (const place of held.keys()) place.leave('stopped');
      if (here.size === 0) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(graceMs, resolve);
        whenEmpty = () => {
          cancel();
          resolve();
        };
      });
    },
  };
}

const branchKey = (xid: Xid, branch: number): string => `${xid} ${branch}`;

/** A web origin or a participant. Cut from the text, as parsing a URL costs more than the rest of a dispatch. */
function laneOf(target: Target): string {
  if ('participant' in target) return target.participant;
  const path = target.url.indexOf('/', target.url.indexOf('//') + 2);
  return path < 0 ? target.url : target.url.slice(0, path);
}
