/** Every route, with who may use it. The app is built from this table, and its description. */
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { listAudit } from './audit.js';
import { addBranch, takeOutcome } from './branches.js';
import { commit, markRollbackOnly, rollback } from './deciding.js';
import { about } from './describe/about.js';
import { alive, ready } from './health.js';
import { listTransactions } from './listing.js';
import { showMetrics } from './metrics.js';
import { describing } from './openapi.js';
import { changeParticipant, listParticipants } from './participants.js';
import { resolve, retry } from './people.js';
import { endInstance, registerInstance } from './register.js';
import type { Access, Method, Route } from './route.js';
import { showStats } from './stats.js';
import { streamChanges } from './stream.js';
import { getEvents, getTransaction, openTransaction } from './transactions.js';

const one = '/v1/transactions/:xid';
const instance = '/v1/participants/:name/instances/:id';

/** What this version has not reached yet. */
const later = (method: Method, path: string, access: Access, what: string): Route => ({
  method,
  path,
  access,
  body: 'none',
  describe: null,
  handle: () => {
    throw new ConcordatError('not_available', `${what}: comes with a later version`);
  },
});

export const routes: readonly Route[] = Object.freeze([
  {
    method: 'POST',
    path: '/v1/transactions',
    access: 'client',
    body: 'required',
    adds: 'transaction',
    handle: openTransaction,
    describe: about.openTransaction,
  },
  {
    method: 'GET',
    path: '/v1/transactions',
    access: 'viewer',
    body: 'none',
    handle: listTransactions,
    describe: about.listTransactions,
  },
  { method: 'GET', path: one, access: 'viewer', body: 'none', handle: getTransaction, describe: about.getTransaction },
  {
    method: 'GET',
    path: `${one}/events`,
    access: 'viewer',
    body: 'none',
    handle: getEvents,
    describe: about.getEvents,
  },
  {
    method: 'POST',
    path: `${one}/branches`,
    access: 'client',
    body: 'required',
    adds: 'branch',
    handle: addBranch,
    describe: about.addBranch,
  },
  { method: 'POST', path: `${one}/commit`, access: 'client', body: 'optional', handle: commit, describe: about.commit },
  {
    method: 'POST',
    path: `${one}/rollback`,
    access: 'client',
    body: 'optional',
    handle: rollback,
    describe: about.rollback,
  },
  {
    method: 'POST',
    path: `${one}/rollback-only`,
    access: 'client',
    body: 'optional',
    handle: markRollbackOnly,
    describe: about.markRollbackOnly,
  },
  {
    method: 'POST',
    path: `${one}/branches/:n/outcome`,
    access: 'token',
    body: 'required',
    handle: takeOutcome,
    describe: about.takeOutcome,
  },
  later('POST', `${one}/branches/:n/locks`, 'token', 'row locks'),
  later('GET', '/v1/locks', 'viewer', 'row locks'),
  later('POST', '/v1/locks/check', 'client', 'row locks'),
  { method: 'POST', path: `${one}/retry`, access: 'operator', body: 'optional', handle: retry, describe: about.retry },
  {
    method: 'POST',
    path: `${one}/resolve`,
    access: 'operator',
    body: 'required',
    handle: resolve,
    describe: about.resolve,
  },
  {
    method: 'PUT',
    path: instance,
    access: 'client',
    body: 'required',
    handle: registerInstance,
    describe: about.registerInstance,
  },
  {
    method: 'DELETE',
    path: instance,
    access: 'client',
    body: 'none',
    handle: endInstance,
    describe: about.endInstance,
  },
  {
    method: 'GET',
    path: '/v1/participants',
    access: 'viewer',
    body: 'none',
    handle: listParticipants,
    describe: about.listParticipants,
  },
  {
    method: 'PUT',
    path: '/v1/participants/:name',
    access: 'operator',
    body: 'required',
    handle: changeParticipant,
    describe: about.changeParticipant,
  },
  {
    method: 'GET',
    path: '/v1/audit',
    access: 'operator',
    body: 'none',
    handle: listAudit,
    describe: about.listAudit,
  },
  { method: 'GET', path: '/v1/stats', access: 'viewer', body: 'none', handle: showStats, describe: about.showStats },
  {
    method: 'GET',
    path: '/v1/stream',
    access: 'viewer',
    body: 'none',
    handle: streamChanges,
    describe: about.streamChanges,
  },
  { method: 'GET', path: '/healthz', access: 'none', body: 'none', handle: alive, describe: about.alive },
  { method: 'GET', path: '/readyz', access: 'none', body: 'none', handle: ready, describe: about.ready },
  { method: 'GET', path: '/metrics', access: 'none', body: 'none', handle: showMetrics, describe: about.showMetrics },
  {
    method: 'GET',
    path: '/openapi.json',
    access: 'none',
    body: 'none',
    handle: describing(() => routes),
    describe: about.describeApi,
  },
  later('GET', '/', 'viewer', 'the dashboard'),
] satisfies Route[]);
