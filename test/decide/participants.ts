/** Participants as the protocol wants them: a fence each, and a ledger of what took effect. */

import type { Branch } from '../../coordinator/decide/state.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import type { Outcome } from '../../sdk/protocol/outcomes.js';

/** What happens to one command. `lost`: it takes effect and the answer never comes. */
export type Will = 'done' | 'refused' | 'pending' | 'unknown' | 'lost';

interface Fence {
  first?: 'done' | 'refused' | 'suppressed';
  second?: string;
  effect: boolean;
}

const answers = {
  done: { kind: 'done', output: null },
  refused: { kind: 'refused', reason: 'no' },
  suppressed: { kind: 'refused', reason: 'suppressed', code: 'suppressed' },
  pending: { kind: 'pending', retryAfterMs: 50 },
  unknown: { kind: 'unknown', error: 'timeout' },
} as const satisfies Record<string, Outcome>;

export class Participants {
  readonly #fences = new Map<number, Fence>();
  /** What no participant may ever see. */
  readonly violations: string[] = [];

  fence(branch: number): Fence {
    const present = this.#fences.get(branch) ?? { effect: false };
    this.#fences.set(branch, present);
    return present;
  }

  /** Carries out a command; what is answered. */
  take(branch: Branch, op: string, will: Will): Outcome {
    const fence = this.fence(branch.number);
    const phase = phaseOf(branch.kind, op);
    const settled = phase === 'forward' ? forward(fence, will) : this.#settle(fence, branch, op, will);
    return will === 'lost' ? answers.unknown : settled;
  }

  #settle(fence: Fence, branch: Branch, op: string, will: Will): Outcome {
    const phase = phaseOf(branch.kind, op);
    if (fence.second && fence.second !== phase)
      this.violations.push(`I7 ${branch.id}: ${op} after its ${fence.second}`);
    if (fence.second) return answers.done;
    if (will === 'refused' || will === 'pending' || will === 'unknown') return answers[will];
    if (phase === 'commit' && branch.kind !== 'message' && fence.first !== 'done') {
      this.violations.push(`${branch.id}: ${op}, and its forward op never took effect`);
    }
    fence.second = phase;
    fence.first ??= 'suppressed';
    fence.effect = phase === 'commit';
    return answers.done;
  }
}

function forward(fence: Fence, will: Will): Outcome {
  if (fence.first) return answers[fence.first];
  if (will === 'pending' || will === 'unknown') return answers[will];
  fence.first = will === 'refused' ? 'refused' : 'done';
  fence.effect = fence.first === 'done';
  return answers[fence.first];
}
