/** Any transaction, whatever happens to it, ends whole when the faults stop. */
import assert from 'node:assert/strict';
import type { InputOf } from '../../coordinator/decide/inputs.js';
import { moves, openings, play } from './moves.js';
import { type Move, World } from './world.js';

export const playOut = {
  drawn: [openings, moves] as const,
  run(opening: InputOf<'open'>, played: readonly Move[]): void {
    const world = new World();
    world.put(opening);
    for (const move of played) play(world, move);
    assert.ok(world.heal(100), `I10 still ${world.machine.phase} (${world.machine.commands()})`);
    assert.deepEqual(world.machine.replayed(), world.machine.state, 'I11 the log replays to another state');
    checkWhole(world);
    world.everythingArrives();
    checkWhole(world);
  },
};

/** I1: every branch took effect, or none did; I6: and it stays so. What a person left as it is does not count. */
function checkWhole({ machine, participants, excused }: World): void {
  const { decision, drivenBy, branches } = machine.current;
  assert.deepEqual(participants.violations, []);
  for (const { number, id, stage } of branches) {
    if (excused.has(number)) continue;
    const wanted = decision === 'commit' && !(drivenBy === 'initiator' && stage.at === 'refused');
    assert.equal(participants.fence(number).effect, wanted, `I1 ${decision}: ${id} is ${stage.at}`);
  }
}
