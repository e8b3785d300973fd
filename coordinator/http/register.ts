/** Instances of participants come, stay and go. */
import type { InputError } from '../../sdk/protocol/errors.js';
import { instanceIdPattern, namePattern } from '../../sdk/protocol/ids.js';
import { type InstanceBody, instanceBody } from '../../sdk/protocol/schemas.js';
import type { RegistrationView } from '../../sdk/protocol/views.js';
import type { RegisteredHandler, Registration } from '../store/store.js';
import { check, invalid, shown } from './check.js';
import { demandName } from './keys.js';
import type { Answer, Call, Rooms } from './route.js';
import { iso } from './views.js';

/** Puts an instance into traffic, and is its heartbeat. */
export async function registerInstance(rooms: Rooms, call: Call): Promise<Answer> {
  const { participant, id } = namesOf(call);
  demandName(call, participant);
  const body = check(instanceBody, call.body);
  const findings = findingsOf(body, rooms);
  if (findings.length > 0) throw invalid(findings);
  // Before the look at the transactions: one that is opened meanwhile is younger than this.
  const now = rooms.clock.now();
  const floor = (await rooms.store.oldestUnfinished()) ?? now;
  const { renewedAt, ttlMs } = await rooms.registry.register(registrationOf(participant, id, body));
  const view: RegistrationView = {
    participant,
    id,
    origin: rooms.store.identity.origin,
    expiresAt: iso(renewedAt + ttlMs),
    fenceFloor: iso(Math.min(floor, now)),
  };
  return { status: 200, body: view };
}

/** Takes an instance out of traffic. Again, or one that never was: the same answer. */
export async function endInstance({ registry }: Rooms, call: Call): Promise<Answer> {
  const { participant, id } = namesOf(call);
  demandName(call, participant);
  await registry.end(participant, id);
  return { status: 200, body: { participant, id } };
}

/** The names in the path. Throws `invalid_request`. */
function namesOf({ params }: Call): { readonly participant: string; readonly id: string } {
  const { name: participant = '', id = '' } = params;
  const findings: InputError[] = [];
  if (!namePattern.test(participant)) {
    const message = `expected a name: a letter, then at most 63 letters, digits, "_" or "-", got ${shown(participant)}`;
    findings.push({ pointer: 'name', message });
  }
  if (!instanceIdPattern.test(id)) {
    const message = `expected an id: a letter or digit, then at most 127 letters, digits, ".", "_", ":" or "-", got ${shown(id)}`;
    findings.push({ pointer: 'id', message });
  }
  if (findings.length > 0) throw invalid(findings);
  return { participant, id };
}

function findingsOf({ url, handlers }: InstanceBody, { allow }: Rooms): readonly InputError[] {
  const findings: InputError[] = [];
  const objection = allow.check(url);
  if (objection !== undefined) findings.push({ pointer: '/url', message: objection });
  const seen = new Set<string>();
  for (const [index, { name }] of handlers.entries()) {
    if (seen.has(name))
      findings.push({
        pointer: `/handlers/${index}/name`,
        message: `expected each handler once, got ${shown(name)} again`,
      });
    seen.add(name);
  }
  return findings;
}

/** Sorted, so that the same handlers make the same row whatever order they are named in. */
function registrationOf(participant: string, id: string, body: InstanceBody): Registration {
  const { url, sdk, ttlMs, batch = false, resourceGroup = null } = body;
  const handlers = body.handlers.map(
    ({ name, kind, external = false }): RegisteredHandler => ({ name, kind, external }),
  );
  const checks = body.checks ? [...new Set(body.checks)].sort() : null;
  handlers.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { participant, id, url, handlers, checks, resourceGroup, batch, sdk, ttlMs };
}
