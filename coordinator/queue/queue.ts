import type { Command } from '../../sdk/protocol/commands.js';

/** Carries commands from the engine to the door out. A hint, never the truth: what it loses, the sweep sends again. */
export interface CommandQueue {
  /** Hands over commands that are due. Returns at once; never rejects. */
  add(commands: readonly Command[]): void;
  /** The one consumer. Called once, before the first `add`. */
  consume(handler: (command: Command) => Promise<void>): void;
  /** Commands taken but not finished. */
  depth(): number;
  /** Stops handing out and waits, at most `graceMs`, for handlers that run. */
  close(graceMs: number): Promise<void>;
}
