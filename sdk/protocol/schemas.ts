/** The request bodies of the wire as schemas: what validates them also describes them. Plain, without transforms. */
import { z } from 'zod';
import { namePattern, xidPattern } from './ids.js';
import type { Op } from './kinds.js';
import { kindNames } from './kinds.js';
import { limits } from './limits.js';
import { transactionStatuses } from './views.js';

/** The longest that one call may take: a day, beyond which no timer of a process reaches. */
export const callMaxMs = 24 * 3600 * 1000;

/** One line: no control characters, no halves of surrogate pairs. */
const linePattern = /^[^\p{Cc}\p{Cs}]+$/u;
/** Lines: line breaks and tabs too. */
const linesPattern = /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])+$/u;

const name = z
  .string()
  .regex(namePattern, 'a name: a letter, then at most 63 letters, digits, "_" or "-"')
  .meta({ description: 'A letter, then at most 63 letters, digits, `_` or `-`.' });
const line = (lengthMax: number) =>
  z.string().min(1).max(lengthMax).regex(linePattern, 'text on one line without control characters');
const reason = z.string().min(1).max(1000).regex(linesPattern, 'text without control characters');
const duration = (min: number, max: number = limits.durationMaxMs) => z.int().min(min).max(max);
const url = z.string().min(1).max(2048).meta({ format: 'uri' });
const time = z.iso.datetime('an ISO 8601 time in UTC such as 2030-01-31T12:00:00Z');
const json = z.unknown().meta({ description: 'Any JSON value.' });

const retry = z
  .strictObject({
    attemptsMax: z.int().min(1).max(1_000_000).optional(),
    initialMs: duration(1).optional(),
    maxMs: duration(1).optional(),
    factor: z.number().min(1).max(100).optional(),
  })
  .meta({ description: 'Of the forward op only; what is left out is the default.' });

const branchFields = {
  id: name,
  kind: z.enum(kindNames).optional(),
  participant: name.optional(),
  handler: name.optional(),
  url: url.optional(),
  input: json.optional(),
  retry: retry.optional(),
  timeoutMs: duration(1, callMaxMs).optional(),
  key: line(256).optional(),
  deliverAt: time.optional(),
};

/** A step of a plan. */
export const stepBody = z
  .strictObject({
    ...branchFields,
    after: z.array(name).max(limits.stepsMax).optional(),
    pivot: z.boolean().optional(),
  })
  .meta({ id: 'Step' });

/** A branch of a transaction that the initiator drives: a step without a place in a plan. */
export const branchBody = z.strictObject(branchFields).meta({ id: 'BranchRequest' });

const openFields = {
  name: line(128),
  xid: z
    .string()
    .regex(xidPattern, 'an xid: a letter or digit, then at most 63 letters, digits, ".", "_", ":" or "-"')
    .optional(),
  businessKey: line(256).optional(),
  timeoutMs: duration(1).optional(),
  onTimeout: z.enum(['rollback', 'ask']).optional(),
  check: z
    .strictObject({ participant: name.optional(), handler: name.optional(), url: url.optional() })
    .meta({ description: 'Whom to ask how the work of the initiator ended; only with `onTimeout: ask`.' })
    .optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
};

/** Opens a transaction. With `steps` the coordinator drives it, without them the initiator does. */
export const openBody = z
  .strictObject({ ...openFields, steps: z.array(stepBody).min(1).max(limits.stepsMax).optional() })
  .meta({ id: 'OpenRequest' });

/** For requests that say no more than their path. */
export const emptyBody = z.strictObject({}).meta({ id: 'EmptyRequest' });

/** Of rollback and rollback-only. */
export const reasonBody = z.strictObject({ reason: reason.optional() }).meta({ id: 'ReasonRequest' });

/** Every op that a branch can be asked. */
export const ops = [
  'action',
  'compensate',
  'try',
  'confirm',
  'cancel',
  'prepare',
  'commit',
  'rollback',
  'execute',
  'forget',
  'undo',
  'deliver',
] as const satisfies readonly Op[];

/** A late outcome of a branch that answered `pending`. */
export const outcomeBody = z
  .strictObject({
    op: z.enum(ops),
    outcome: z.enum(['done', 'refused']),
    output: json.optional(),
    reason: reason.optional(),
  })
  .meta({ id: 'OutcomeRequest' });

const resolution = z.strictObject({
  branch: z.int().min(1).max(limits.stepsMax),
  as: z.enum(['done', 'skipped', 'forced', 'kept']),
  output: json.optional(),
  reason: reason.regex(/\S/, 'a reason in words'),
});

/** What a person decides about parked branches. */
export const resolveBody = z
  .strictObject({ branches: z.array(resolution).min(1).max(limits.stepsMax) })
  .meta({ id: 'ResolveRequest' });

const registeredHandler = z.strictObject({
  name,
  kind: z.enum(kindNames),
  external: z.boolean().optional().meta({ description: 'Its effects are outside of its database.' }),
});

/** Registers one instance of a participant, and is its heartbeat. */
export const instanceBody = z
  .strictObject({
    url,
    handlers: z.array(registeredHandler).max(limits.handlersMax),
    checks: z.array(name).max(limits.handlersMax).optional().meta({
      description: 'Names that it answers checks for; without it every name may be asked.',
    }),
    sdk: line(128),
    resourceGroup: line(128).optional(),
    batch: z.boolean().optional(),
    ttlMs: duration(limits.ttlMinMs, limits.ttlMaxMs),
  })
  .meta({ id: 'InstanceRequest' });

/** The filters of the audit, as its query. */
export const auditQuery = z.strictObject({
  xid: line(64).optional(),
  by: line(256).optional().meta({ description: 'Name of the key.' }),
  participant: line(64).optional(),
  limit: z.int().min(1).max(limits.listMax).optional().meta({ description: '50 without it.' }),
  cursor: z.string().min(1).max(256).optional().meta({ description: '`nextCursor` of the page before.' }),
});

/** What an operator sets for a participant. What is not said stays; null takes a limit away. */
export const participantBody = z
  .strictObject({
    limits: z
      .strictObject({
        concurrency: z.int().min(1).max(limits.concurrencyMax).nullable().optional(),
        perSecond: z.number().min(limits.perSecondMin).max(limits.perSecondMax).nullable().optional(),
      })
      .nullable()
      .optional()
      .meta({ description: 'Calls at once, and calls begun in a second; of each coordinator by itself.' }),
    paused: z.boolean().optional().meta({ description: 'Nothing is sent to it; what is under way ends.' }),
  })
  .meta({ id: 'ParticipantRequest' });

/** The filters of a list, as its query. */
export const listQuery = z.strictObject({
  status: z.array(z.enum(transactionStatuses)).optional(),
  name: line(256).optional(),
  businessKey: line(256).optional(),
  participant: line(256).optional().meta({ description: 'Its name; the index of it may lag a second.' }),
  openedAfter: time.optional(),
  openedBefore: time.optional(),
  limit: z.int().min(1).max(limits.listMax).optional().meta({ description: '50 without it.' }),
  cursor: z.string().min(1).max(256).optional().meta({ description: '`nextCursor` of the page before.' }),
});

/** The filters of the stream of changes, as its query. */
export const streamQuery = listQuery.pick({ status: true, name: true, businessKey: true, participant: true });

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

export type OpenBody = Frozen<z.infer<typeof openBody>>;
export type StepBody = Frozen<z.infer<typeof stepBody>>;
export type BranchBody = Frozen<z.infer<typeof branchBody>>;
export type ReasonBody = Frozen<z.infer<typeof reasonBody>>;
export type OutcomeBody = Frozen<z.infer<typeof outcomeBody>>;
export type ResolveBody = Frozen<z.infer<typeof resolveBody>>;
export type InstanceBody = Frozen<z.infer<typeof instanceBody>>;
