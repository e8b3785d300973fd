/** Every route, with who may use it. The app is built from this table, and later its description. */
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { addBranch, takeOutcome } from './branches.js';
import { commit, markRollbackOnly, rollback } from './deciding.js';
import { alive, ready } from './health.js';
import { listParticipants } from './participants.js';
import { resolve, retry } from './people.js';
import { endInstance, registerInstance } from './register.js';
import type { Access, Method, Route } from './route.js';
import { getEvents, getTransaction, listTransactions, openTransaction } from './transactions.js';

const one = '/v1/transactions/:xid';
const instance = '/v1/participants/:name/instances/:id';

/** What this version has not reached yet. */
const later = (method: Method, path: string, access: Access, what: string): Route => ({
  method,
  path,
  access,
  body: 'none',
  handle: () => {
    throw new ConcordatError('not_available', `${what}: comes with a later version`);
  },
});

export const routes: readonly Route[] = Object.freeze([
  { method: 'POST', path: '/v1/transactions', access: 'client', body: 'required', handle: openTransaction },
  { method: 'GET', path: '/v1/transactions', access: 'viewer', body: 'none', handle: listTransactions },
  { method: 'GET', path: one, access: 'viewer', body: 'none', handle: getTransaction },
  { method: 'GET', path: `${one}/events`, access: 'viewer', body: 'none', handle: getEvents },
  { method: 'POST', path: `${one}/branches`, access: 'client', body: 'required', handle: addBranch },
  { method: 'POST', path: `${one}/commit`, access: 'client', body: 'optional', handle: commit },
  { method: 'POST', path: `${one}/rollback`, access: 'client', body: 'optional', handle: rollback },
  { method: 'POST', path: `${one}/rollback-only`, access: 'client', body: 'optional', handle: markRollbackOnly },
  { method: 'POST', path: `${one}/branches/:n/outcome`, access: 'token', body: 'required', handle: takeOutcome },
  later('POST', `${one}/branches/:n/locks`, 'token', 'row locks'),
  later('GET', '/v1/locks', 'viewer', 'row locks'),
  later('POST', '/v1/locks/check', 'client', 'row locks'),
  { method: 'POST', path: `${one}/retry`, access: 'operator', body: 'optional', handle: retry },
  { method: 'POST', path: `${one}/resolve`, access: 'operator', body: 'required', handle: resolve },
  { method: 'PUT', path: instance, access: 'client', body: 'required', handle: registerInstance },
  { method: 'DELETE', path: instance, access: 'client', body: 'none', handle: endInstance },
  { method: 'GET', path: '/v1/participants', access: 'viewer', body: 'none', handle: listParticipants },
  later('PUT', '/v1/participants/:name', 'operator', 'limits and pauses of participants'),
  later('GET', '/v1/stats', 'viewer', 'statistics'),
  later('GET', '/v1/stream', 'viewer', 'the live stream'),
  { method: 'GET', path: '/healthz', access: 'none', body: 'none', handle: alive },
  { method: 'GET', path: '/readyz', access: 'none', body: 'none', handle: ready },
  later('GET', '/metrics', 'none', 'metrics'),
  later('GET', '/openapi.json', 'none', 'the description of the API'),
  later('GET', '/', 'viewer', 'the dashboard'),
] satisfies Route[]);
