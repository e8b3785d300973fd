/** Protections whose absence the simulator must see by itself, and which of its faults make it likely to come to that. */
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import type { Limits } from '../simulation/settings.js';
import type { Fault } from '../simulation/weather.js';

const often = (...favoured: readonly Fault[]): Limits => ({ favoured: new Set(favoured) });
const anyhow: Limits = {};

export const seenBySimulation: Readonly<Partial<Record<PlantedBug, Limits>>> = {
  'append-over-another': { coordinators: 3 },
  'append-without-predecessor-check': {
    ...often('store failover', 'append answered late'),
    coordinators: 3,
    transactions: 40,
    dirtyReads: true,
    plain: true,
  },
  'lost-commit-answer-is-a-no': often('append unknown, happened'),
  'failing-append-fails-its-group': often('store refuses one of a group', 'store slow'),
  'answer-before-commit': anyhow,
  'act-upon-what-lost': anyhow,
  'act-without-a-record': anyhow,
  'order-by-time': often('database clock jumps'),

  'timeout-is-a-no': anyhow,
  'bad-json-is-done': often('proxy answers in its place'),
  'no-total-deadline': anyhow,
  'expired-commands-are-sent': often('coordinator paused before it sends'),
  'run-expired-commands': anyhow,
  'lease-never-ends': often('lease not renewed', 'coordinator paused beyond its lease'),
  'send-what-was-given-up': {
    ...often('queue delays', 'queue duplicates', 'append answered late', 'store slow', 'coordinator paused shortly'),
    transactions: 30,
  },
  'reuse-a-command-id': anyhow,
  'one-key-for-all-branches': anyhow,

  'no-sweep': anyhow,
  'no-review': often('queue loses'),
  'no-doubts': often('append unknown, happened'),
  'no-adoption': often('coordinator crashes'),
  'no-adoption-attempt': often('coordinator crashes'),
  'no-deadline': anyhow,
  'attempts-without-end': often('broken for good'),
  'pending-for-ever': often('broken for good'),

  'reverse-a-decision': often('client wants a rollback'),
  'decide-without-asking': often('deadline near'),
  'no-answer-is-a-no': often('deadline near'),
  'forget-marks': often('handler marks rollback-only'),
  'pivot-in-doubt-is-a-no': often('answer lost'),
  'new-branch-after-closing': anyhow,
  'ignore-body-on-resubmit': often('client repeats with another body'),
  'accept-any-late-outcome': often('late outcome', 'request duplicated'),
  'deliver-before-the-commit': { plain: true, transactions: 30 },
  'do-in-any-order': anyhow,

  'forget-unknown-branches-in-rollback': anyhow,
  'rollback-while-forward-in-flight': anyhow,
  'undo-in-any-order': anyhow,
  'refused-undo-is-done': often('undo refused'),
  'resolve-while-in-flight': often(
    'operator resolves',
    'coordinator crashes at a seam',
    'coordinator crashes',
    'request delayed',
    'request duplicated',
    'queue delays',
  ),

  'fence-inserts-nothing': anyhow,
  'fence-answers-before-commit': anyhow,
  'fence-forgets-refusals': often('handler refuses', 'answer lost', 'request duplicated'),
  'fence-forgets-refused-ends': often('undo refused', 'request duplicated', 'request delayed', 'operator resolves'),
  'fence-keeps-refused-work': often('handler refuses after its work'),
  'fence-forgets-outputs': often('answer lost'),
  'fence-lets-late-forwards-in': often('request comes after the end', 'request delayed', 'client wants a rollback'),
  'fence-takes-missing-for-empty': often('outcome refused by the store', 'operator resolves'),
  'work-without-its-marks': often('handler marks rollback-only'),

  'silence-is-a-no': { ...often('client answer lost', 'gateway answers before the coordinator'), shoppers: true },
  'commit-after-a-swallowed-error': {
    ...often('client code swallows what an inner one threw'),
    shoppers: true,
  },
  'leave-unawaited-calls': { ...often('client code leaves a call unawaited'), shoppers: true },
  'return-though-rolled-back': { shoppers: true },
  'join-after-the-end': { ...often('client code goes on after the end'), shoppers: true },

  'outcomes-by-place': { ...often('batch answer leaves one out'), registers: true },
  'batches-without-end': { ...often('batch answer without end'), registers: true },
  'read-any-size': { ...often('answer without end'), registers: true },
  'follow-redirects': { ...often('answer redirects'), registers: true },
  'headers-untied': { ...often('command replayed under another origin'), registers: true },
  'take-any-signature': { ...often('command forged'), registers: true },
  'unsigned-commands': { registers: true },
  'send-to-expired-instances': { ...often('participant crashes'), registers: true },
  'a-missing-instance-is-an-attempt': { registers: true },
  'lanes-without-limits': {},
};
