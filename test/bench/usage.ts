/** CPU and memory as Linux counts them in /proc. Elsewhere there is nothing to read: NaN. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Processes by the part they play. */
export type Parts = Readonly<Record<string, number>>;

interface Snapshot {
  readonly atMs: number;
  readonly cpuMs: Readonly<Record<string, number>>;
  /** CPU of this machine's user processes, ours and others. */
  readonly userMs: number;
}

/** Between two snapshots. */
export interface Usage {
  readonly cpuMs: Readonly<Record<string, number>>;
  /** Share of all cores that processes took which are not ours, in percent. */
  readonly othersPercent: number;
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const msPerTick = 10;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The fields of /proc/PID/stat after the command's name: state, parent, … */
function statOf(pid: number | string): { parent: number; cpuMs: number } {
  const text = read(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick };
}

/** The kernel's own threads write our files too: they are nobody's. They are the children of process 2. */
function kernelMs(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .map(statOf)
    .filter(({ parent }) => parent === 2)
    .reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** A database server is its first process and those that serve the connections. */
function cpuMsOf(part: string, pid: number): number {
  const children = part === 'postgres' ? read(`/proc/${pid}/task/${pid}/children`).trim().split(' ') : [];
  return [pid, ...children].reduce<number>((sum, each) => sum + (statOf(each).cpuMs || 0), 0);
}

export function snapshot(parts: Parts): Snapshot {
  const atMs = performance.now();
  const cpuMs = Object.fromEntries(Object.entries(parts).map(([part, pid]) => [part, cpuMsOf(part, pid)]));
  const [, user, nice, system] = (read('/proc/stat').split('\n')[0] ?? '').split(/\s+/).map(Number);
  const all = ((user ?? Number.NaN) + (nice ?? 0) + (system ?? 0)) * msPerTick;
  return { atMs, cpuMs, userMs: Number.isFinite(all) ? all - kernelMs() : Number.NaN };
}

export function usageBetween(before: Snapshot, after: Snapshot): Usage {
  const cpuMs = Object.fromEntries(
    Object.entries(after.cpuMs).map(([part, ms]) => [part, ms - (before.cpuMs[part] ?? Number.NaN)]),
  );
  const ours = Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0);
  const others = Math.max(0, after.userMs - before.userMs - ours);
  return { cpuMs, othersPercent: (100 * others) / ((after.atMs - before.atMs) * availableParallelism()) };
}

/** Resident memory now. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1]) / 1024;
