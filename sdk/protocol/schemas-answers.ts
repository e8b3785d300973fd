/**
 * The answers of the wire as schemas, for its description: one for each view, and the compiler holds the two together. A
 * reader takes fields that it does not know, so none of them is closed.
 */
import { z } from 'zod';
import { type ErrorCode, errors } from './errors.js';
import { instanceIdPattern, namePattern, xidPattern } from './ids.js';
import type { Json } from './json.js';
import { kindNames } from './kinds.js';
import { ops } from './schemas.js';
import {
  type AuditView,
  type BranchView,
  branchStatuses,
  breakerStates,
  type EventView,
  heuristics,
  type InstanceView,
  type ParticipantHealth,
  type ParticipantView,
  type ProposalView,
  type RegistrationView,
  type StatsView,
  type TransactionItemView,
  type TransactionStatus,
  type TransactionView,
  transactionStatuses,
  type WaitingOn,
} from './views.js';

/** A schema of what has that type. */
export type SchemaOf<T> = z.ZodType<T>;

const json = z.unknown().meta({ description: 'Any JSON value.' }) as z.ZodType<Json>;
export const time = z.iso.datetime().meta({ id: 'Time', description: 'ISO 8601 in UTC.' });
export const count = z.int().min(0);
const name = z.string().regex(namePattern);
const xid = z.string().regex(xidPattern);
const codes = Object.keys(errors) as ErrorCode[];

export const problemView = z
  .object({
    type: z.string().meta({ description: '`urn:concordat:error:` and the code.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What was expected, what came, and what to do.' }),
    code: z.enum(codes).meta({ description: 'Decide by it: it never changes.' }),
    retryable: z.boolean().meta({ description: 'The same request may succeed later.' }),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'What is wrong with the input: JSON pointers into the body, or names of parameters.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });

const summaryFields = {
  xid,
  origin: z.string(),
  name: z.string(),
  businessKey: z.string().nullable(),
  status: z.enum(transactionStatuses),
  decision: z.enum(['commit', 'rollback']).nullable(),
  reason: z.string().nullable(),
  openedAt: time,
  decidedAt: time.nullable(),
  deadlineAt: time.nullable(),
  finishedAt: time.nullable(),
  durationMs: z.number().nullable(),
};

export const branchView = z
  .object({
    branch: z.int().min(1),
    id: name,
    kind: z.enum(kindNames),
    participant: name.nullable(),
    handler: name.nullable(),
    url: z.string().optional(),
    status: z.enum(branchStatuses),
    input: json,
    output: json,
    code: z.string().nullable().meta({ description: 'Of the refusal, if it came with one.' }),
    attempts: count,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'Branch' }) satisfies SchemaOf<BranchView>;

const waitingOn = z
  .object({
    branch: count.meta({ description: '0: the check of the initiator.' }),
    participant: name.nullable(),
    op: z.enum([...ops, 'check']),
    attempt: count,
    dueAt: time.nullable().meta({ description: 'Null when it is parked: only a person moves it.' }),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'WaitingOn' }) satisfies SchemaOf<WaitingOn>;

const proposal = z
  .object({
    branches: z.array(
      z.object({ branch: z.int().min(1), as: z.enum(['done', 'skipped']), output: json, reason: z.string() }),
    ),
    by: z.string().meta({ description: 'Name of the key; it takes one of another name to confirm.' }),
    expiresAt: time,
  })
  .meta({
    id: 'Proposal',
    description: 'What one person wants parked branches to be, where a second one must want the same.',
  }) satisfies SchemaOf<ProposalView>;

const heuristic = z.enum(heuristics).optional().meta({
  description: 'With status `resolved`: whether every branch took effect, none did, some did, or nobody knows of some.',
});

export const transactionView = z
  .object({
    ...summaryFields,
    heuristic,
    proposal: proposal.optional(),
    waitingOn: z.array(waitingOn),
    branches: z.array(branchView),
    metadata: json,
    result: z.record(z.string(), json).meta({ description: 'Outputs by step id.' }),
  })
  .meta({ id: 'Transaction' }) satisfies SchemaOf<TransactionView>;

const itemView = z
  .object({
    ...summaryFields,
    heuristic,
    metadata: json,
    result: z.record(z.string(), json).nullable().meta({
      description:
        'Outputs by step id. Null, with `metadata`, where a page has too many bytes of them, or the log cannot be read.',
    }),
  })
  .meta({
    id: 'TransactionItem',
    description: 'A transaction as lists show it.',
  }) satisfies SchemaOf<TransactionItemView>;

export const transactionList = z
  .object({
    items: z.array(itemView),
    nextCursor: z.string().nullable().meta({ description: 'Null on the last page.' }),
  })
  .meta({ id: 'TransactionList' });

const eventView = z
  .looseObject({ seq: z.int().min(1), index: count, type: z.string(), at: time })
  .catchall(json)
  .meta({
    id: 'Event',
    description: 'What happened; the other fields are those of its type.',
  }) satisfies SchemaOf<EventView>;

export const eventList = z.object({ items: z.array(eventView) }).meta({ id: 'EventList' });

const handler = z.object({ name, kind: z.enum(kindNames), external: z.boolean() });

const instanceView = z
  .object({
    id: z.string().regex(instanceIdPattern),
    url: z.string(),
    batch: z.boolean(),
    sdk: z.string(),
    registeredAt: time,
    renewedAt: time,
    expiresAt: time,
    alive: z.boolean().meta({ description: 'Whether it gets commands.' }),
  })
  .meta({ id: 'Instance' }) satisfies SchemaOf<InstanceView>;

const participantHealth = z
  .object({
    breaker: z.enum(breakerStates),
    since: time.nullable(),
    inFlight: z.int(),
    held: z
      .int()
      .meta({ description: 'Commands that wait for room, the rate, the breaker, the end of a pause or an instance.' }),
    failureShare: z.number().meta({ description: 'Of the calls of the last seconds.' }),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'ParticipantHealth' }) satisfies SchemaOf<ParticipantHealth>;

export const participantView = z
  .object({
    name: z.string().meta({ description: 'Of a participant, or the web origin of URLs.' }),
    limits: z.object({ concurrency: z.int(), perSecond: z.number().nullable() }),
    paused: z.boolean(),
    health: participantHealth,
    handlers: z.array(handler),
    resourceGroup: z.string().nullable(),
    instances: z.array(instanceView),
  })
  .meta({ id: 'Participant' }) satisfies SchemaOf<ParticipantView>;

export const participantList = z.object({ items: z.array(participantView) }).meta({ id: 'ParticipantList' });

export const registrationView = z
  .object({
    participant: name,
    id: z.string(),
    origin: z.string(),
    expiresAt: time,
    fenceFloor: time.meta({ description: 'When the oldest transaction was opened that is not final, else now.' }),
  })
  .meta({ id: 'Registration' }) satisfies SchemaOf<RegistrationView>;

export const endedView = z.object({ participant: name, id: z.string() }).meta({ id: 'EndedInstance' });

const counts = Object.fromEntries(transactionStatuses.map((status) => [status, count])) as Record<
  TransactionStatus,
  typeof count
>;

export const statsView = z
  .object({
    at: time,
    transactions: z.object(counts).meta({ description: 'Of the store, by status.' }),
    countedAt: time,
    finishedCountedAt: time.meta({
      description: 'The more there are that are finished, the more seldom they are counted.',
    }),
    oldestUnfinishedAt: time.nullable(),
    oldestUnfinishedMs: z.number().nullable(),
    rates: z
      .object({ openedPerSecond: z.number(), finishedPerSecond: z.number() })
      .meta({ description: 'Of the coordinator that answers, over the last minute.' }),
    commands: z.object({ inFlight: count, held: count }),
    participants: z.array(participantHealth.extend({ name: z.string(), paused: z.boolean() })),
    store: z
      .object({ groups: count, appends: count, statements: count, rowsWritten: count })
      .meta({ description: 'What it wrote since it started.' }),
    watchers: count.meta({ description: 'Streams that are open with it.' }),
  })
  .meta({ id: 'Stats' }) satisfies SchemaOf<StatsView>;

export const healthView = z.object({ status: z.enum(['alive', 'ready']) }).meta({ id: 'Health' });

const auditView = z
  .object({
    position: z.int().min(1),
    at: time,
    by: z
      .string()
      .meta({ description: 'Name of the key; `anonymous` without keys, `system`: the coordinator itself.' }),
    role: z.string(),
    action: z.string(),
    xid: xid.nullable(),
    participant: name.nullable(),
    detail: z.record(z.string(), json),
    requestId: z.string().nullable(),
  })
  .meta({ id: 'AuditRecord', description: 'What an operator did.' }) satisfies SchemaOf<AuditView>;

export const auditList = z
  .object({ items: z.array(auditView), nextCursor: z.string().nullable() })
  .meta({ id: 'AuditList' });

export const documentView = z
  .looseObject({ openapi: z.string() })
  .meta({ id: 'Document', description: 'OpenAPI 3.1.' });
