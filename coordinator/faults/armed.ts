import type { Failpoint, Faults, PlantedBug } from './faults.js';

/** What tests arm; the environment arms it for child processes. Only ever loaded under the condition `concordat-test`. */
export const armed = {
  failpoint: process.env.CONCORDAT_FAILPOINT,
  /** The hit that kills, from 1: `name@3` is the third. */
  planted: new Set((process.env.CONCORDAT_PLANTED ?? '').split(',').filter(Boolean)),
  /** Called instead of the kill, by tests that stop inside one process. */
  onReach: undefined as ((name: Failpoint) => void) | undefined,
};

let hits = 0;

const active: Faults = {
  reach(name: Failpoint) {
    armed.onReach?.(name);
    if (armed.failpoint === undefined) return;
    const [wanted, nth = '1'] = armed.failpoint.split('@');
    if (wanted !== name || ++hits < Number(nth)) return;
    process.kill(process.pid, 'SIGKILL');
    // SIGKILL of oneself is delivered before the next instruction that matters; never go on.
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  },
  planted: (name: PlantedBug) => armed.planted.size > 0 && armed.planted.has(name),
};

export const { reach, planted } = active;
