import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { temporary } from '../participants/shop.js';

/** What goes wrong, by the variable that the shim reads. */
const faults = { fsync: 'FAULTY_FSYNC', space: 'FAULTY_SPACE' } as const;

export interface FaultyDisk {
  /** For the process whose disk it is. */
  readonly env: Readonly<Record<string, string>>;
  break(fault: keyof typeof faults): Promise<void>;
  mend(fault: keyof typeof faults): Promise<void>;
}

/** The source is beside the TypeScript one: only that is compiled into `dist`. */
const source = fileURLToPath(new URL('../../../test/chaos/faulty-disk.c', import.meta.url));

/** A disk that fails on demand; undefined where it cannot be made, which is a failure only on a machine that builds releases. */
export async function faultyDisk(t: ExecutionContext): Promise<FaultyDisk | undefined> {
  const directory = await temporary(t);
  const library = path.join(directory, 'faulty-disk.so');
  const trigger = (fault: keyof typeof faults): string => path.join(directory, fault);
  try {
    if (process.platform !== 'linux') throw new Error(`no LD_PRELOAD on ${process.platform}`);
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  } catch (error) {
    if (process.env.CI) throw error;
    t.log(`skipped: the faulty disk needs Linux and a C compiler (cc): ${(error as Error).message}`);
    t.pass();
    return undefined;
  }
  return {
    env: {
      LD_PRELOAD: library,
      ...Object.fromEntries(Object.entries(faults).map(([name, variable]) => [variable, path.join(directory, name)])),
    },
    break: (fault) => writeFile(trigger(fault), ''),
    mend: (fault) => rm(trigger(fault), { force: true }),
  };
}
