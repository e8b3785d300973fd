/** The scenarios themselves, small: that they run, and that what must never happen does not. Their figures say nothing here. */
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { dead } from './dead.js';
import type { Scenario } from './figure.js';
import { full } from './full.js';
import { overload } from './overload.js';
import { steady } from './steady.js';
import { watched } from './watched.js';

const coordinator = fileURLToPath(new URL('../../coordinator/cli.js', import.meta.url));

const small: Readonly<Record<string, readonly [Scenario, number]>> = {
  overload: [overload, 0.02],
  watched: [watched, 0.05],
  full: [full, 0.002],
  dead: [dead, 0.003],
  steady: [steady, 1],
};

for (const [name, [scenario, scale]] of Object.entries(small)) {
  test.serial(`${name} runs, and gives each of its figures`, async (t) => {
    t.timeout(120_000);
    const figures = await scenario({
      dir: tmpdir(),
      coordinator,
      scale,
      minutes: 0.05,
      progress: (line) => t.log(line),
    });
    t.deepEqual(
      figures.filter(({ measured }) => !Number.isFinite(measured)).map(({ what }) => what),
      [],
    );
    const never = figures.filter(({ asked, met }) => asked === '<= 0' && !met);
    t.deepEqual(never, []);
  });
}
