import test from 'ava';
import { rollsBack } from '../../sdk/client/rollback-rules.js';

class Grandparent extends Error {}
class Parent extends Grandparent {}
class Child extends Parent {}

test('every error rolls back, unless a class of noRollbackFor is nearer to it than any of rollbackFor', (t) => {
  const table: [unknown, Parameters<typeof rollsBack>[1], boolean][] = [
    [new Child(), {}, true],
    ['a text', { noRollbackFor: [Error] }, true],
    [undefined, { noRollbackFor: [Error] }, true],
    [new Child(), { noRollbackFor: [Grandparent] }, false],
    [new Child(), { noRollbackFor: [Child] }, false],
    [new Parent(), { noRollbackFor: [Child] }, true],
    [new Child(), { noRollbackFor: [Grandparent], rollbackFor: [Parent] }, true],
    [new Child(), { noRollbackFor: [Parent], rollbackFor: [Grandparent] }, false],
    [new Child(), { noRollbackFor: [Child], rollbackFor: [Child] }, true],
    [new Child(), { rollbackFor: [RangeError] }, true],
    [{}, { noRollbackFor: [Object] }, false],
    [Object.create(null), { noRollbackFor: [Object] }, true],
  ];
  for (const [error, rules, expected] of table) t.is(rollsBack(error, rules), expected, JSON.stringify(rules));
});
