/** Where a service can be stopped: before anything was written, with all written but not committed, committed but not answered. */
export const failpoints = ['before-work', 'before-commit', 'after-commit'] as const;
export type Failpoint = (typeof failpoints)[number];

/** Called at each point. A test may hold the service there by a promise, or end its process. */
export type Reach = (point: Failpoint) => void | Promise<void>;

export const passBy: Reach = () => undefined;

/** Kills this process at `name` or, with `name@3`, at its third hit. Throws when the setting names no failpoint. */
export function killAt(setting: string): Reach {
  const [name = '', nth = '1'] = setting.split('@');
  if (!failpoints.some((point) => point === name) || !/^[1-9]\d*$/.test(nth)) {
    throw new Error(
      `PARTICIPANT_FAILPOINT: expected one of ${failpoints.join(', ')}, optionally with @N; got ${setting}`,
    );
  }
  let hits = 0;
  return (point) => {
    if (point !== name || ++hits < Number(nth)) return undefined;
    process.kill(process.pid, 'SIGKILL');
    // The signal is delivered asynchronously: what comes after this point must never run.
    return new Promise<never>(() => undefined);
  };
}
