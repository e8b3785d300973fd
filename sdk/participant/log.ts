import type { Clock } from './clock.js';

/** Fields first, then a sentence; never a payload, never a secret. pino fits as it is. */
export interface HostLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Warnings and errors as JSON lines on standard error: what a host says unless it is given a log. */
export function stderrLog(clock: Clock): HostLog {
  const line =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      const time = new Date(clock.now()).toISOString();
      process.stderr.write(`${JSON.stringify({ level, time, ...fields, msg: message })}\n`);
    };
  return { info: () => undefined, warn: line('warn'), error: line('error') };
}
