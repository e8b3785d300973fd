/** The kit sees more than the mistakes of users: with a protection taken out, a right saga is reported. */
import test from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import { examine } from '../../sdk/testing.js';
import { booksBalance, buy, openShop } from './shop.js';

const planted = [
  'fence-inserts-nothing',
  'timeout-is-a-no',
  'forget-unknown-branches-in-rollback',
  'no-sweep',
] as const;

for (const bug of planted) {
  test.serial(`a right saga is not safe with the bug ${bug}`, async (t) => {
    armed.planted.add(bug);
    t.teardown(() => armed.planted.delete(bug));
    const { failures } = await examine(buy, { participants: () => openShop(), invariant: booksBalance });
    t.log(failures.map(({ kind, where, trouble }) => `${kind}: ${where} (${trouble})`).join('\n'));
    t.true(failures.length > 0);
  });
}
