/** Turns the body of a request into what the mind takes: every default resolved, every flaw found. Pure. */
import { hash } from 'node:crypto';
import type { Target } from '../../sdk/protocol/commands.js';
import type { InputError } from '../../sdk/protocol/errors.js';
import { canonicalJson, type Json } from '../../sdk/protocol/json.js';
import { defaults, limits } from '../../sdk/protocol/limits.js';
import { branchBody, type OpenBody, openBody } from '../../sdk/protocol/schemas.js';
import type { BranchSpec } from '../decide/events.js';
import type { OpenRequest } from '../decide/inputs.js';
import { check, invalid } from './check.js';
import { branchesOf, type Reading, sizeFinding, specOf } from './plan.js';
import { targetOf } from './targets.js';

export interface OpenReading extends Reading {
  readonly origin: string;
  /** UTC ms. */
  readonly now: number;
  /** 32 hex digits. */
  readonly traceId: string;
}

export interface Submission {
  /** As the caller chose it; undefined to have one drawn. */
  readonly xid: string | undefined;
  readonly request: OpenRequest;
}

/** Reads the body that opens a transaction. Throws ConcordatError with all that is wrong with it. */
export function readOpen(body: unknown, reading: OpenReading): Submission {
  const open = check(openBody, body);
  const findings: InputError[] = [];
  sizeFinding(open.metadata, limits.metadataBytes, '/metadata', reading.bodyBytes, findings);
  const checkTarget = checkOf(open, reading, findings);
  const branches = open.steps ? branchesOf(open.steps, reading, findings) : [];
  if (findings.length > 0) throw invalid(findings);
  const deadlineMs = deadlineMsOf(open, branches);
  const { xid, ...rest } = open;
  return {
    xid,
    request: {
      name: open.name,
      origin: reading.origin,
      businessKey: open.businessKey ?? null,
      metadata: (open.metadata ?? {}) as Json,
      fingerprint: fingerprintOf(rest),
      drivenBy: open.steps ? 'plan' : 'initiator',
      deadlineAt: deadlineMs === null ? null : reading.now + deadlineMs,
      onTimeout: open.onTimeout ?? 'rollback',
      check: checkTarget,
      traceId: reading.traceId,
      policy: reading.policy,
      branches,
    },
  };
}

/** Reads the body that adds a branch. Throws ConcordatError with all that is wrong with it. */
export function readBranch(body: unknown, reading: Reading): BranchSpec {
  const branch = check(branchBody, body);
  const findings: InputError[] = [];
  const spec = specOf(branch, '', reading, findings);
  if (!spec) throw invalid(findings);
  return { ...spec, fingerprint: fingerprintOf(branch) };
}

const fingerprintOf = (body: object): string => hash('sha256', canonicalJson(body));

/** Plans of saga steps and messages hold nothing while they wait, so they may wait for ever. */
function deadlineMsOf({ timeoutMs, steps }: OpenBody, branches: readonly BranchSpec[]): number | null {
  if (timeoutMs !== undefined) return timeoutMs;
  const holds = !steps || branches.some(({ kind }) => kind === 'tcc' || kind === 'xa' || kind === 'at');
  return holds ? defaults.deadlineMs : null;
}

function checkOf({ check: said, onTimeout }: OpenBody, reading: Reading, findings: InputError[]): Target | null {
  if (onTimeout !== 'ask') {
    if (said) findings.push({ pointer: '/check', message: 'expected none without onTimeout "ask", got one' });
    return null;
  }
  if (!said) {
    findings.push({ pointer: '/check', message: 'expected whom to ask, as onTimeout is "ask", got nothing' });
    return null;
  }
  const target = targetOf(said, '/check', reading, findings);
  if (target && 'participant' in target && !reading.directory.answersCheck(target.participant, target.handler)) {
    findings.push({
      pointer: '/check/participant',
      message: 'expected a registered participant that answers that check, got one that is not known here',
    });
  }
  return target ?? null;
}
