/** The page of states: what may happen when, rendered from the table that decides. */
import type { EventType } from '../../coordinator/decide/events.js';
import type { InputType } from '../../coordinator/decide/inputs.js';
import { type Cell, legality, type RuleName, ruleNames } from '../../coordinator/decide/legality.js';
import { phases, type TransactionPhase } from '../../coordinator/decide/state.js';

const aboutPhases: Readonly<Record<TransactionPhase, string>> = {
  absent: 'there is no transaction with this xid',
  open: 'the initiator adds branches; nothing is decided',
  planned: 'the coordinator drives a plan; nothing is decided',
  closing: 'the initiator asked to commit; the outcomes of what was started are awaited',
  asking: 'rollback is wanted, and the initiator’s check is asked whether it may be',
  committing: 'commit is decided and being carried out',
  rolling_back: 'rollback is decided and being carried out',
  parked_undecided: 'nothing is decided, and only a person can move it: a pivot, a check or an outcome stopped',
  parked_commit: 'commit is decided, and only parked branches are left',
  parked_rollback: 'rollback is decided, and only parked branches are left',
  committed: 'final: every branch took effect',
  rolled_back: 'final: none did',
  resolved: 'final: a person decided at least one branch by hand',
};

const aboutInputs: Readonly<Record<InputType, string>> = {
  open: 'a client opens a transaction, or repeats the request',
  add_branch: 'the initiator adds a branch, or repeats the request',
  commit: 'the initiator asks to commit',
  rollback: 'a client or an operator asks to roll back',
  rollback_only: 'anyone who holds the xid marks it: a commit becomes a rollback',
  outcome: 'what came back for a command, or a participant brought later by itself',
  unstorable: 'an outcome came that the log could not take',
  check_answer: 'what the initiator’s check handler said',
  deadline: 'the deadline passed',
  retry: 'an operator asks to try again now',
  resolve: 'an operator decides parked branches by hand',
  adopt: 'another coordinator takes over from one that died',
};

const aboutRules: Readonly<Record<RuleName, string>> = {
  open: 'begins it: a plan’s first steps are asked at once',
  openAgain: 'same request: the present transaction; another body: `xid_conflict`',
  addBranch:
    'adds the branch and asks its forward op; the same id and body again: the present branch; another body: `branch_conflict`; too many: `too_many_branches`',
  addBranchAgain: 'a branch that is in is answered; a new one: `transaction_not_active` (a plan: `driven_by_plan`)',
  commit:
    'closes it to new branches; commit is decided once every started forward op has an outcome, or rollback when it is marked rollback-only',
  commitAgain: 'the present state; `already_decided` when rollback is decided (a plan: `driven_by_plan`)',
  commitWhileAsking:
    'the initiator says what its check would have said: commit is decided, unless an outcome is missing or it is marked rollback-only; else as commitAgain',
  rollback:
    'decides rollback, in an `ask` transaction asks the check first; `outcome_unknown` while a pivot is in doubt; the present state while the check is asked',
  rollbackAgain: 'the present state; `already_decided` when commit is decided',
  markRollbackOnly: 'sets the mark; in a plan it decides rollback at once; `outcome_unknown` while a pivot is in doubt',
  outcome:
    'takes the outcome of what is asked, or of what parked without one, and whatever follows from it; else as lateOutcome',
  lateOutcome:
    'holds it against what is recorded: a repeat is the same, the opposite is `outcome_contradicts`, what is not certain is stale',
  unstorable: 'parks its branch (a forward op that is to be undone anyway is undone)',
  checkAnswer:
    '"committed" decides commit, "rolled back" decides rollback, anything else is asked again later and parked when its time is used up',
  deadline:
    'decides rollback, in an `ask` transaction asks the check first; stale before its time and while a pivot is in doubt',
  retry: 'asks everything that parked or waits again now, undos in their order',
  resolve:
    'decides the named parked branches, all or none; `command_in_flight` until their last command has expired; where two persons are needed, the first asking is kept as a proposal',
  adopt: 'counts each command that the dead owner may have had in flight as one attempt without an outcome',
};

const aboutEvents: Readonly<Record<EventType, string>> = {
  opened: 'the transaction with its defaults and, for a plan, its steps',
  branch_added: 'a branch of the initiator; its forward op is asked',
  branch_done: 'the forward op took effect, with its output',
  branch_refused: 'a business no to the forward op; attempt 0: refused by the coordinator before anything was sent',
  attempt_failed: 'no outcome; the next attempt is due at `dueAt`. `crashed`: its coordinator died with it',
  branch_pending: 'the participant said to ask again, at `dueAt`',
  branch_uncertain: 'the forward op ended with no outcome: it may or may not have taken effect',
  branch_committed: 'the commit op is done',
  branch_undone: 'the rollback op is done',
  branch_parked: 'stopped, needs a person; its last command may take effect until `expiresAt`',
  branch_resolved: 'a person decided a parked branch by hand',
  resolution_proposed:
    'a person asked to decide parked branches by hand, and by `expiresAt` a second one must ask for the same',
  closed: 'the initiator asked to commit: no new branches',
  rollback_only: 'marked: a commit becomes a rollback',
  rollback_wanted: 'in an `ask` transaction: the check is asked before rollback is decided',
  check_failed: 'the check gave no answer; it is asked again at `dueAt`',
  check_parked: 'the check gave no answer for too long',
  decided: 'commit or rollback; never changes',
  parked: 'only parked branches are left',
  ended: 'committed, rolled back or resolved',
  retried: 'a person asked to try again now',
  adopted: 'another coordinator took over',
};

/** `docs/states.md` as it should be. */
export function statesDocument(): string {
  return [
    '# States',
    '',
    'Generated from `coordinator/decide/legality.ts` by `npm run docs`; a test holds the two together.',
    '',
    'A transaction is in one phase at a time. An input that comes in is answered by the rule that the table names for that',
    'phase, by an [error code](errors.md) in `code font`, or it is *stale*: it came too late to matter. Whatever is not an',
    'append changes nothing.',
    '',
    '## Phases',
    '',
    ...list(aboutPhases),
    '',
    '## What may happen when',
    '',
    ...table(),
    '',
    '## Inputs',
    '',
    ...list(aboutInputs),
    '',
    '## Rules',
    '',
    ...list(Object.fromEntries(ruleNames.map((name) => [name, aboutRules[name]]))),
    '',
    '## Events',
    '',
    'What the log keeps, in the past tense. A row of the log is the events that were decided together.',
    '',
    ...list(aboutEvents),
    '',
  ].join('\n');
}

const list = (about: Readonly<Record<string, string>>): string[] => [
  '| name | meaning |',
  '|---|---|',
  ...Object.entries(about).map(([name, text]) => `| ${name} | ${text} |`),
];

function table(): string[] {
  const inputs = Object.keys(legality) as InputType[];
  return [
    `| phase | ${inputs.join(' | ')} |`,
    `|---|${inputs.map(() => '---|').join('')}`,
    ...phases.map((phase) => `| **${phase}** | ${inputs.map((input) => shown(legality[input][phase])).join(' | ')} |`),
  ];
}

const shown = (cell: Cell): string =>
  typeof cell === 'string' ? (cell === 'stale' ? '*stale*' : cell) : `\`${cell.refuse}\``;
