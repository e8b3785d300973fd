import type { ParticipantDefinition } from '../../sdk/participant/handler.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Presence } from '../dispatch/absence.js';
import type { Registry } from '../dispatch/registry.js';
import type { Directory } from '../http/directory.js';
import type { Rooms } from '../http/route.js';

/** The participants of this process, before those that register over HTTP: who is here is asked for nowhere else. */
export interface Residents extends Directory, Presence {
  has(participant: string): boolean;
  /** The registry, which takes no instance with the name of somebody who is here. */
  readonly registry: Rooms['registry'];
}

export function residents(definitions: readonly ParticipantDefinition[], registry: Registry): Residents {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]));
  return {
    has: (participant) => byName.has(participant),
    kindOf(participant, handler) {
      const here = byName.get(participant);
      return here ? here.handlers.get(handler)?.kind : registry.kindOf(participant, handler);
    },
    answersCheck(participant, name) {
      return byName.get(participant)?.checks.has(name) ?? registry.answersCheck(participant, name);
    },
    // A handler that was there before the last restart may come back with the next: until then its commands wait.
    reaches(target) {
      const here = 'url' in target ? undefined : byName.get(target.participant);
      if ('url' in target || !here) return registry.reaches(target);
      return here.handlers.has(target.handler) || here.checks.has(target.handler);
    },
    watch: (onCame) => registry.watch(onCame),
    registry: {
      async register(registration) {
        const { participant } = registration;
        if (!byName.has(participant)) return registry.register(registration);
        const expected = 'expected a participant that does not live beside its coordinator';
        throw new ConcordatError('kind_conflict', `${expected}, got ${participant}; give this one another name`);
      },
      end: (participant, id) => registry.end(participant, id),
      refresh: () => registry.refresh(),
      participants: () => registry.participants(),
    },
  };
}
