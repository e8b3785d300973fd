import type { ErrorCode } from '../../../sdk/protocol/errors.js';
import type { Verdict } from '../inputs.js';

export const same: Verdict = { kind: 'same' };
export const stale = (why: string): Verdict => ({ kind: 'stale', why });
export const refuse = (code: ErrorCode, detail: string): Verdict => ({ kind: 'refuse', code, detail });
