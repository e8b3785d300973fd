import { randomBytes, randomUUID } from 'node:crypto';
import type { Chance } from '../../coordinator/clock.js';
import type { Append } from '../../coordinator/store/store.js';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Summary } from '../../sdk/protocol/summary.js';

/** Real randomness: what these tests check does not depend on it. */
export const chance: Chance = {
  draw: () => Math.random(),
  id: () => randomBytes(16).toString('hex'),
  uuid: () => randomUUID(),
};

export const xidOf = (name: string): Xid => name as Xid;
export const coordinator = (name: string): CoordinatorId => name as CoordinatorId;

export const sampleSummary = (change: Partial<Summary> = {}): Summary => ({
  name: 'checkout',
  businessKey: null,
  participants: ['payment', 'stock'],
  status: 'active',
  decision: null,
  reason: null,
  openedAt: 1_000,
  decidedAt: null,
  deadlineAt: null,
  finishedAt: null,
  dueAt: null,
  owner: coordinator('c1'),
  ...change,
});

/** The first append of a transaction, unless `change` says otherwise. */
export const sampleAppend = (xid: string, change: Partial<Append> = {}): Append => ({
  xid: xidOf(xid),
  seq: 1,
  append: chance.id() as AppendId,
  appender: coordinator('c1'),
  version: 1,
  at: 1_000,
  events: '[{"type":"opened"}]',
  seen: null,
  summary: null,
  ...change,
});

/** The append that follows another. */
export const nextAppend = (previous: Append, change: Partial<Append> = {}): Append =>
  sampleAppend(previous.xid, { seq: previous.seq + 1, seen: previous.append, ...change });
