import { destination, pino } from 'pino';

/** Structured lines on standard error: fields first, then a sentence. Never a payload, never a secret. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing; for tests and embedded use. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** JSON lines on standard error, written at once: the last ones before an end are the ones that are needed. */
export const jsonLog = (level: 'silent' | 'error' | 'warn' | 'info' | 'debug'): Log =>
  pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination({ fd: 2, sync: true }),
  );
