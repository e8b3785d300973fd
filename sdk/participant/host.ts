/**
 * Participants at work in this process, whatever way their commands come: over the wire (serve) or from a coordinator in
 * the same process (embed).
 *
 * 1. A command that comes once closing has begun is not begun; one that runs has its grace time to end.
 * 2. A handler runs inside the context of its transaction. A mark that it set is with the coordinator before its work is
 *    committed: a repeat is answered from the fence and would not set it again.
 */
import { planted } from '#faults';
import { type BranchMarks, branchContext } from './branch-context.js';
import { atMost, type Clock } from './clock.js';
import { type Answer, type Received, Rejected } from './command.js';
import { checkDefinitions } from './definitions.js';
import { createExecutor } from './execute.js';
import type { ParticipantDefinition } from './handler.js';
import type { HostLog } from './log.js';

export interface HostingOptions {
  /** Instances of decorated classes, or what `participant(…)` returned. */
  readonly participants: readonly object[];
  /** Takes the marks of handlers to the coordinator: a client. */
  readonly client: BranchMarks;
  readonly clock: Clock;
  readonly log: HostLog;
}

/** Participants that are ready for commands. */
export interface Hosted {
  readonly definitions: readonly ParticipantDefinition[];
  /**
   * Carries out one command behind its handler's fence. Rejects with `Rejected` when it was not begun (unknown handler,
   * expired, stopping), with anything else when nothing is known of it: to the coordinator both are `unknown`.
   */
  execute(command: Received): Promise<Answer>;
  /** UTC ms: what the coordinator of `origin` said is the oldest that may still be asked for; its fence rows before are deleted. */
  setFloor(utcMs: number, origin: string): void;
  /** Commands that are being carried out. */
  running(): number;
  /** Takes no more commands, waits at most `graceMs` for those that run, then aborts their signals. */
  close(graceMs: number): Promise<void>;
}

/** How long handlers whose signals were aborted may take to end. */
const abortedMs = 2000;

/**
 * Checks participants, makes their fence tables and takes their commands. Rejects with words that say what to do when
 * something is wrong with one of them.
 */
export async function hostParticipants({ participants, client, clock, log }: HostingOptions): Promise<Hosted> {
  const definitions = checkDefinitions(participants, log);
  const executor = createExecutor({ definitions, clock, log, around: branchContext(client, clock) });
  await executor.prepare();
  let closing: Promise<void> | undefined;

  async function close(graceMs: number): Promise<void> {
    if (!planted('stop-without-drain')) await atMost(graceMs, executor.idle(), clock).catch(() => undefined);
    const running = executor.running();
    if (running > 0)
      log.warn({ running, graceMs }, 'commands still run at the end of the grace time: they are aborted');
    await atMost(abortedMs, executor.close(), clock).catch((error: unknown) =>
      log.warn({ running, error: String(error) }, 'handlers did not end although their signals were aborted'),
    );
  }

  return {
    definitions,
    execute(command) {
      if (!closing) return executor.execute(command);
      const stopping = 'this host is stopping; another instance takes the command';
      return Promise.reject(new Rejected(503, 'stopping', stopping));
    },
    setFloor: (utcMs, origin) => executor.setFloor(utcMs, origin),
    running: () => executor.running(),
    close(graceMs) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}
