import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';

/** What the figures were measured on, for whoever compares them. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly files: string;
}

const tmpfs = 0x01021994;
const ramfs = 0x858458f6;

export const machine = (dir: string): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${release()}`,
  node: process.version,
  files: filesAt(dir),
});

/** A store in memory makes every fsync free: say so. */
function filesAt(dir: string): string {
  const kind = statfsSync(dir).type;
  if (kind === tmpfs || kind === ramfs) return `${dir}, in memory: NOT durable, take another --dir`;
  return `${dir}${mounted(dir)}`;
}

function mounted(dir: string): string {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').trim().split('\n');
    const fits = mounts
      .map((line) => line.split(' '))
      .filter(([, place = '']) => place === '/' || dir === place || dir.startsWith(`${place}/`));
    fits.sort(([, a = ''], [, b = '']) => b.length - a.length);
    return fits[0]?.[2] === undefined ? '' : ` on ${fits[0][2]}`;
  } catch {
    return '';
  }
}
