import type { Target } from '../../sdk/protocol/commands.js';
import type { InputError } from '../../sdk/protocol/errors.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import type { AllowList } from '../dispatch/allow.js';
import { shown } from './check.js';
import type { Directory } from './directory.js';

/** What is known of the world when a request is read. */
export interface Surroundings {
  readonly allow: AllowList;
  readonly directory: Directory;
}

interface Addressed {
  readonly url?: string | undefined;
  readonly participant?: string | undefined;
  readonly handler?: string | undefined;
}

/** Where a step or a check goes; undefined when that cannot be told, and then the findings say why. */
export function targetOf(
  from: Addressed,
  pointer: string,
  around: Surroundings,
  findings: InputError[],
): Target | undefined {
  const { url, participant, handler } = from;
  if (url !== undefined) {
    if (participant !== undefined || handler !== undefined) {
      findings.push({ pointer, message: 'expected either url or participant and handler, got both' });
      return undefined;
    }
    const objection = around.allow.check(url);
    if (objection === undefined) return { url };
    findings.push({ pointer: `${pointer}/url`, message: objection });
    return undefined;
  }
  if (participant === undefined) {
    findings.push({ pointer, message: 'expected url, or participant and handler, got neither' });
    return undefined;
  }
  if (handler !== undefined) return { participant, handler };
  findings.push({ pointer: `${pointer}/handler`, message: 'expected a handler of the participant, got nothing' });
  return undefined;
}

/** The kind of a branch: said, or known from the directory. */
export function kindOf(
  said: Kind | undefined,
  target: Target,
  pointer: string,
  around: Surroundings,
  findings: InputError[],
): Kind | undefined {
  if ('url' in target) {
    if (said === undefined) {
      findings.push({
        pointer: `${pointer}/kind`,
        message: 'expected a kind, as a step with a url needs one, got nothing',
      });
    }
    return said;
  }
  const known = around.directory.kindOf(target.participant, target.handler);
  if (known === undefined) {
    const name = `${target.participant}/${target.handler}`;
    findings.push({
      pointer: `${pointer}/participant`,
      message: `expected a registered participant with that handler, got ${shown(name)}, which is not known here`,
    });
    return undefined;
  }
  if (said === undefined || said === known) return known;
  findings.push({
    pointer: `${pointer}/kind`,
    message: `expected ${known}, as the handler is registered, got ${said}`,
  });
  return undefined;
}

/** Remembers what an allow-list said: URLs are few and come again with every plan. */
export function remembering(allow: AllowList): AllowList {
  const known = new Map<string, string | undefined>();
  return {
    check(url) {
      if (known.has(url)) return known.get(url);
      // A flood of different ones must not fill the memory.
      if (known.size >= 10_000) known.clear();
      const objection = allow.check(url);
      known.set(url, objection);
      return objection;
    },
  };
}
