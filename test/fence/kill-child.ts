/** Sends commands to handlers on a file, one after the other, and says what each was answered. May end by a failpoint. */
import { writeSync } from 'node:fs';
import type { Op } from '../../sdk/protocol/kinds.js';
import { effect, handlerOf, openBank, startBank, word } from './bank.js';

const [file = '', sent = ''] = process.argv.slice(2);
const t = { teardown: () => undefined };
const outside = handlerOf(
  'tcc',
  { forward: async (_input, tx) => void writeSync(1, `asked ${tx.idempotencyKey}\n`) },
  { fence: 'external', runMs: 60_000 },
);
const slow = handlerOf('tcc', {
  forward: async (input, tx) => {
    await effect(tx, 'do');
    for (let round = 0; round < 20; round++) await tx.db('effects').count();
    return input;
  },
});
const bank = await startBank(t, { outside, slow }, { db: await openBank(t, file) });
for (const command of sent.split(' ')) {
  const [handler = '', op = '', xid = ''] = command.split(':');
  const answer = await bank.send(op as Op, { handler, xid }).catch((error: Error) => error);
  writeSync(1, `${command} ${answer instanceof Error ? answer.message : word(answer)}\n`);
}
process.exit(0);
