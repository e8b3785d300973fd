/**
 * What may happen when: one table over (phase of the transaction, input). A cell is the name of the rule that answers,
 * an error of the catalogue for whoever asked, or `stale`: it came too late to matter. `docs/states.md` is generated
 * from here, and a test runs the whole product.
 */
import type { ErrorCode } from '../../sdk/protocol/errors.js';
import type { InputType } from './inputs.js';
import type { TransactionPhase } from './state.js';

export const ruleNames = [
  'open',
  'openAgain',
  'addBranch',
  'addBranchAgain',
  'commit',
  'commitAgain',
  'commitWhileAsking',
  'rollback',
  'rollbackAgain',
  'markRollbackOnly',
  'outcome',
  'lateOutcome',
  'unstorable',
  'checkAnswer',
  'deadline',
  'retry',
  'resolve',
  'adopt',
] as const;
export type RuleName = (typeof ruleNames)[number];

export type Cell = RuleName | 'stale' | { readonly refuse: ErrorCode };
type Column = Readonly<Record<TransactionPhase, Cell>>;

const no = (code: ErrorCode): Cell => ({ refuse: code });
const notFound = no('transaction_not_found');
const finished = no('transaction_finished');

/** Spells out a row of the table: the cells in the order of {@link phases}. */
const row = (
  absent: Cell,
  [open, planned, closing, asking]: readonly [Cell, Cell, Cell, Cell],
  [committing, rolling_back]: readonly [Cell, Cell],
  [parked_undecided, parked_commit, parked_rollback]: readonly [Cell, Cell, Cell],
  [committed, rolled_back, resolved]: readonly [Cell, Cell, Cell],
): Column => ({
  absent,
  open,
  planned,
  closing,
  asking,
  committing,
  rolling_back,
  parked_undecided,
  parked_commit,
  parked_rollback,
  committed,
  rolled_back,
  resolved,
});

const four = (cell: Cell) => [cell, cell, cell, cell] as const;
const three = (cell: Cell) => [cell, cell, cell] as const;
const two = (cell: Cell) => [cell, cell] as const;

export const legality: Readonly<Record<InputType, Column>> = {
  open: row('open', four('openAgain'), two('openAgain'), three('openAgain'), three('openAgain')),
  add_branch: row(
    notFound,
    ['addBranch', no('driven_by_plan'), 'addBranchAgain', 'addBranchAgain'],
    two('addBranchAgain'),
    three('addBranchAgain'),
    three('addBranchAgain'),
  ),
  commit: row(
    notFound,
    ['commit', no('driven_by_plan'), 'commitAgain', 'commitWhileAsking'],
    two('commitAgain'),
    ['commitWhileAsking', 'commitAgain', 'commitAgain'],
    three('commitAgain'),
  ),
  rollback: row(
    notFound,
    four('rollback'),
    two('rollbackAgain'),
    ['rollback', 'rollbackAgain', 'rollbackAgain'],
    three('rollbackAgain'),
  ),
  rollback_only: row(
    notFound,
    four('markRollbackOnly'),
    two('rollbackAgain'),
    ['markRollbackOnly', 'rollbackAgain', 'rollbackAgain'],
    three('rollbackAgain'),
  ),
  outcome: row('stale', four('outcome'), two('outcome'), three('outcome'), three('lateOutcome')),
  unstorable: row('stale', four('unstorable'), two('unstorable'), three('stale'), three('stale')),
  check_answer: row('stale', ['stale', 'stale', 'stale', 'checkAnswer'], two('stale'), three('stale'), three('stale')),
  deadline: row('stale', ['deadline', 'deadline', 'deadline', 'stale'], two('stale'), three('stale'), three('stale')),
  retry: row(notFound, four('retry'), two('retry'), three('retry'), three(finished)),
  resolve: row(notFound, four('resolve'), two('resolve'), three('resolve'), three(finished)),
  adopt: row('stale', four('adopt'), two('adopt'), three('stale'), three('stale')),
};
