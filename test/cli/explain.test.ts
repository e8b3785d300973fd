import test from 'ava';
import { explain, explanationLines } from '../../coordinator/cli/explain/explain.js';
import type { Known } from '../../coordinator/cli/explain/explanation.js';
import { kindNames } from '../../sdk/protocol/kinds.js';
import {
  branchStatuses,
  isFinal,
  type ParticipantView,
  type ProposalView,
  transactionStatuses,
} from '../../sdk/protocol/views.js';
import {
  at,
  branchView,
  caseOf,
  event,
  known,
  now,
  opened,
  participant,
  transactionView,
  waiting,
} from './explaining.js';

const told = (one: Known): string => explanationLines(explain(one), now);

for (const status of transactionStatuses) {
  test(`every branch stage of every kind is told in a transaction that is ${status}`, (t) => {
    for (const stage of branchStatuses)
      for (const kind of kindNames)
        for (const decision of status === 'parked' || status === 'resolved'
          ? (['commit', 'rollback'] as const)
          : [undefined]) {
          const one = caseOf(status, stage, kind, decision);
          const { headline, waitsFor, next, youCan } = explain(one);
          const text = told(one);
          const name = `${status} ${stage} ${kind} ${decision}:\n${text}`;
          t.notRegex(text, /undefined|null|\[object|NaN/, name);
          t.true(headline.length > 10 && next.length > 0 && youCan.length > 0, name);
          t.is(waitsFor.length === 0, isFinal(status), name);
          if (isFinal(status)) continue;
          t.is(text.includes('tx resolve order-1042 --branch 1'), stage === 'parked', name);
          t.is(text.includes('until then the answer is command_in_flight'), stage === 'parked', name);
          t.is(text.includes('tx rollback order-1042'), one.view.decision === null, name);
        }
  });
}

test('a parked branch tells what either word of resolve leads to', (t) => {
  const undo = told(caseOf('parked', 'parked', 'saga', 'rollback'));
  t.regex(undo, /a person: 'compensate' of 1 'pay' \(payment\/charge\) is parked after 3 attempts: no answer\./);
  t.regex(
    undo,
    /If the effect of 'pay' is undone, or you undid it yourself \(not before 2030-01-01T12:00:08.000Z \(in 8 seconds\)/,
  );
  t.regex(undo, /if the effect of 'pay' shall stay: the transaction may then end mixed/);
  const confirm = told(caseOf('parked', 'parked', 'tcc', 'commit'));
  t.regex(confirm, /Commit is decided and will not change; some of it could not be carried out\./);
  t.regex(confirm, /'pay' took no effect and shall take none: the transaction may then end mixed/);
  t.regex(undo, /Nothing, until a person acts: what is parked is never tried again by itself\./);
});

test('B4 a pivot in doubt: nothing decides against it, and nobody is told to roll back', (t) => {
  const events = [opened({ pivot: true })];
  const doubt = waiting({ attempt: 4, dueAt: at(20), lastError: 'no answer' });
  const view = transactionView({
    branches: [branchView({ status: 'retrying' })],
    waitingOn: [doubt],
    deadlineAt: at(5),
  });
  const text = told(known({ view, events }));
  t.regex(text, /Nothing is decided: the pivot may or may not have taken effect, and is asked until that is known\./);
  t.regex(text, /It is the pivot: until its outcome is known nothing may be decided\./);
  t.regex(text, /Its deadline does not count while the pivot is in doubt\./);
  t.regex(text, /is tried up to 50 times; then it parks, as it may have taken effect\./);
  t.notRegex(text, /tx rollback/);
});

test('an ask transaction whose check is asked, and one whose check is parked', (t) => {
  const events = [
    opened({ drivenBy: 'initiator', onTimeout: 'ask' }),
    event('rollback_wanted', { reason: 'the deadline' }),
  ];
  const check = waiting({ branch: 0, op: 'check', dueAt: at(3), lastError: 'no answer' });
  const asked = told(known({ view: transactionView({ waitingOn: [check] }), events }));
  t.regex(asked, /rollback is wanted, and its initiator is asked first whether it may be/);
  t.regex(
    asked,
    /the initiator's check: attempt 1 comes next; the last error was: no answer\. Due 2030-01-01T12:00:03.000Z \(in 3 seconds\)/,
  );
  t.notRegex(asked, /tx rollback/);
  const parked = transactionView({ status: 'parked', waitingOn: [{ ...check, dueAt: null }] });
  const text = told(known({ view: parked, events: [...events, event('check_parked', { reason: 'no answer' })] }));
  t.regex(text, /a person: the initiator's check is parked after 1 attempt: no answer/);
  t.regex(text, /Nothing is decided, as the initiator's check gave no answer\./);
  t.regex(text, /if its initiator did commit: POST \/v1\/transactions\/order-1042\/commit says so/);
  t.regex(text, /\$ concordat tx retry order-1042/);
  t.notRegex(text, /tx resolve/);
});

test('a command that is held back tells by what: no instance, a pause, calls that fail', (t) => {
  const view = transactionView({ branches: [branchView({ status: 'running' })], waitingOn: [waiting()] });
  const [instance] = participant().instances;
  const gone = participant({ instances: [{ ...instance!, alive: false, expiresAt: at(-300) }] });
  const of = (participants: Known['participants']) => told(known({ view, participants }));
  t.regex(of([gone]), /held back, as no instance of 'payment' is alive; the last one went 5 minutes ago/);
  t.regex(of([gone]), /'action' is sent as soon as 'payment' takes commands; waiting for that is no attempt\./);
  t.regex(of([gone]), /Start an instance of 'payment', .*\n +\$ concordat doctor/);
  t.regex(of([]), /held back, as no instance of 'payment' is registered/);
  t.regex(of([participant({ paused: true })]), /'payment' is paused by an operator/);
  const health = { ...participant().health, breaker: 'open' as const, lastError: 'connect ECONNREFUSED' };
  t.regex(of([participant({ health })]), /calls to 'payment' fail: connect ECONNREFUSED/);
  t.regex(
    of([participant()]),
    /attempt 1 is on its way, and its answer is awaited\. Since 2030-01-01T11:59:58.000Z \(2 seconds ago\)/,
  );
});

test('N1 mixed, unknown, all and none are told apart, each branch by its id', (t) => {
  const [a, b] = [branchView({ id: 'pay', status: 'done' }), branchView({ branch: 2, id: 'ship', status: 'skipped' })];
  const of = (
    heuristic: 'committed' | 'rolled_back' | 'mixed' | 'unknown',
    decision: 'commit' | 'rollback' = 'commit',
  ) =>
    explain(
      known({
        view: transactionView({ status: 'resolved', decision, heuristic, branches: [a, b] }),
        events: [opened(), event('branch_uncertain', { branch: 2, error: 'no answer' })],
      }),
    );
  t.is(
    of('mixed').headline,
    "Finished by hand. Commit was decided. It is MIXED: 'pay' took effect, 'ship' did not. Somebody has to set that right outside of Concordat.",
  );
  t.deepEqual(of('mixed').effects, { kind: 'mixed', inEffect: ['pay'], without: ['ship'], unknown: [] });
  t.regex(of('unknown', 'rollback').headline, /Of 'ship' nobody knows whether it took effect\./);
  t.regex(of('committed').headline, /Commit was decided, and every branch took effect\./);
  t.regex(of('rolled_back', 'rollback').headline, /Rollback was decided, and no branch kept an effect\./);
});

test('attempts that failed one after another are told as one, and what is unknown is not left out', (t) => {
  const failed = (attempt: number, branch = 1) =>
    event('attempt_failed', { branch, op: 'action', attempt, error: 'no answer' });
  const events = [
    opened(),
    failed(1),
    failed(2),
    failed(3),
    event('branch_done', { branch: 1, attempt: 4 }),
    event('dreamt'),
  ];
  const happened = explain(known({ events })).happened.map(({ text }) => text);
  t.deepEqual(happened, [
    'opened as a plan of 1 step, which the coordinator drives',
    "attempt 3 of 'action' of 1 'pay' (payment/charge) brought no answer: no answer",
    "1 'pay' (payment/charge) took effect at attempt 4",
    'dreamt',
  ]);
});

test('what comes from outside reaches the terminal without control characters', (t) => {
  const evil = 'gone \u001b[2J\u009b2J\u202e';
  const view = transactionView({
    status: 'rolling_back',
    decision: 'rollback',
    reason: evil,
    waitingOn: [waiting({ lastError: evil })],
  });
  const text = told(
    known({ view, events: [opened(), event('branch_refused', { branch: 1, attempt: 1, reason: evil })] }),
  );
  t.notRegex(text, /[^\P{C}\n]/u);
  t.regex(text, /gone \[2J 2J/);
});

const proposing = (...branches: ProposalView['branches']): string => {
  const parked = caseOf('parked', 'parked', 'saga', 'rollback');
  return told({ ...parked, view: { ...parked.view, proposal: { branches, by: 'ann', expiresAt: at(600) } } });
};

test('N2 what one person proposed is confirmed with the command that is shown, to the letter', (t) => {
  t.regex(
    proposing({ branch: 1, as: 'done', output: null, reason: 'ticket 77' }),
    /Confirm what ann proposed \(with a key of another name, before .* \(in 10 minutes\)\): branch 1 is done, because ticket 77\n +\$ concordat tx resolve order-1042 --branch 1 --as done --reason 'ticket 77'\n/,
  );
  t.true(
    proposing({ branch: 1, as: 'done', output: { id: "o'7" }, reason: `it's $HOME ${'x'.repeat(900)}` }).includes(
      `--reason 'it'\\''s $HOME ${'x'.repeat(900)}' --output '{"id":"o'\\''7"}'\n`,
    ),
  );
});

test('commands to type name the coordinator that was named', (t) => {
  const one = { ...caseOf('parked', 'parked', 'saga', 'rollback'), url: 'http://10.0.0.5:8090' };
  const commands = explain(one).youCan.flatMap(({ command }) => command ?? []);
  t.true(commands.length > 2);
  for (const command of commands) t.true(command.endsWith(` --url 'http://10.0.0.5:8090'`), command);
});

test('N2 no command is shown where it would be another proposal', (t) => {
  const one = { branch: 1, as: 'done' as const, output: null, reason: 'ticket 77' };
  const http =
    /Send the branches of its "proposal" to POST \/v1\/transactions\/order-1042\/resolve, with the same reasons\n/;
  for (const text of [
    proposing(one, { ...one, branch: 2, as: 'skipped' }),
    proposing({ ...one, reason: 'two\nlines' }),
    proposing({ ...one, output: 'x'.repeat(5000) }),
  ]) {
    t.regex(text, http);
    t.false(text.includes("--reason '"));
  }
});

test('a command for a URL that is held back tells of the service at its origin', (t) => {
  const url = 'http://127.0.0.1:9001/pay';
  const branches = [branchView({ status: 'running', participant: null, handler: null, url })];
  const view = transactionView({ branches, waitingOn: [waiting({ participant: null })] });
  const of = (change: Partial<ParticipantView>) =>
    told(known({ view, participants: [participant({ name: 'http://127.0.0.1:9001', instances: [], ...change })] }));
  const paused = of({ paused: true });
  t.regex(paused, /it is held back, as 'http:\/\/127\.0\.0\.1:9001' is paused by an operator/);
  t.regex(paused, /is sent as soon as 'http:\/\/127\.0\.0\.1:9001' takes commands/);
  t.regex(paused, /PUT \/v1\/participants\/http%3A%2F%2F127\.0\.0\.1%3A9001 with \{"paused": false\}/);
  t.notRegex(paused, /Start the service/);
  const broken = of({ health: { ...participant().health, breaker: 'open', lastError: 'connect ECONNREFUSED' } });
  t.regex(broken, /Start the service at http:\/\/127\.0\.0\.1:9001, or see why/);
  t.regex(
    of({ health: { ...participant().health, inFlight: 2, held: 7 } }),
    /is on its way or waits for room: of the commands for '.*9001' 2 are on their way and 7 wait\./,
  );
});

test('J6 what is still going on at a participant is told once, with how long it is asked', (t) => {
  const events = [
    opened(),
    ...[1, 2, 3].map((attempt) => event('branch_pending', { branch: 1, op: 'action', attempt })),
  ];
  const view = transactionView({
    branches: [branchView({ status: 'retrying' })],
    waitingOn: [waiting({ attempt: 4, dueAt: at(20) })],
  });
  const text = told(known({ view, events }));
  t.is(text.match(/answered that 'action' is still going on there/g)?.length, 1);
  t.regex(text, /it is asked again, for at most 1 day in all; then it is given up and rollback is decided\./);
  t.notRegex(text, /up to 50 times/);
});

test('what is to be confirmed did not yet take effect, and an undo of what may never have been says so', (t) => {
  const tried = known({ view: transactionView({ branches: [branchView({ kind: 'tcc' })] }) });
  const done = { ...tried, events: [opened(), event('branch_done', { branch: 1, attempt: 2 })] };
  t.regex(told(done), /'try' of 1 'pay' \(payment\/charge\) is done at attempt 2/);
  const parked = caseOf('parked', 'parked', 'saga', 'rollback');
  const uncertain = {
    ...parked,
    events: [...parked.events, event('branch_uncertain', { branch: 1, error: 'no answer' })],
  };
  t.regex(told(uncertain), /If 'pay' took no effect, or its effect is undone, or you undid it yourself/);
});
