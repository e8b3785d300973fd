import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { quantile } from './numbers.js';

/** What the figures were measured on, for whoever compares them. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly files: string;
  /** Ms that it takes until a block is on the disk: each commit waits for that. */
  readonly sync: { readonly p50: number; readonly p90: number };
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
  sync: syncAt(dir),
});

const syncs = 300;

function syncAt(dir: string): Machine['sync'] {
  const path = join(dir, `concordat-bench-${process.pid}.sync`);
  const file = openSync(path, 'w');
  try {
    const took = Array.from({ length: syncs }, () => {
      writeSync(file, Buffer.alloc(4096));
      const begun = performance.now();
      fdatasyncSync(file);
      return performance.now() - begun;
    }).sort((a, b) => a - b);
    return { p50: quantile(took, 0.5), p90: quantile(took, 0.9) };
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

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
