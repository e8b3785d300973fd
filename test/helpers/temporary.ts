import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder that goes away with the test. Its path has no links in it. */
export async function temporary(t: { teardown(fn: () => unknown): void }): Promise<string> {
  const directory = await mkdtemp(path.join(await realpath(tmpdir()), 'concordat-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
