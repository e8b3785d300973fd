/** What each route is for, by the name of its operation. */

import * as bodies from '../../../sdk/protocol/schemas.js';
import * as answers from '../../../sdk/protocol/schemas-answers.js';
import type { Description } from '../route.js';

const { transactionView, branchView } = answers;

export const about = Object.freeze({
  openTransaction: {
    name: 'openTransaction',
    summary: 'Opens a transaction; with steps the coordinator drives it, without them its initiator does',
    headers: ['prefer', 'traceparent'],
    request: bodies.openBody,
    answers: { 200: transactionView, 201: transactionView, 202: transactionView },
    errors: ['xid_conflict', 'transaction_purged', 'log_corrupt', 'not_available'],
  },
  listTransactions: {
    name: 'listTransactions',
    summary: 'Lists transactions, newest first',
    query: bodies.listQuery,
    answers: { 200: answers.transactionList },
  },
  getTransaction: {
    name: 'getTransaction',
    summary: 'Shows a transaction with its branches',
    headers: ['prefer'],
    answers: { 200: transactionView },
  },
  getEvents: {
    name: 'getEvents',
    summary: 'Shows what happened to a transaction, event by event',
    headers: ['last-event-id'],
    answers: { 200: [answers.eventList, 'text/event-stream'], 204: [] },
    errors: ['too_many_watchers'],
  },
  addBranch: {
    name: 'addBranch',
    summary: 'Adds a branch to a transaction that its initiator drives, and runs its forward op',
    headers: ['prefer'],
    request: bodies.branchBody,
    answers: { 200: branchView, 201: branchView, 202: branchView },
    errors: ['branch_conflict', 'transaction_not_active', 'driven_by_plan', 'too_many_branches', 'not_available'],
  },
  commit: {
    name: 'commit',
    summary: 'Decides commit',
    headers: ['prefer'],
    request: bodies.emptyBody,
    answers: { 200: transactionView, 202: transactionView },
    errors: ['already_decided', 'driven_by_plan'],
  },
  rollback: {
    name: 'rollback',
    summary: 'Decides rollback',
    headers: ['prefer'],
    request: bodies.reasonBody,
    answers: { 200: transactionView, 202: transactionView },
    errors: ['already_decided', 'outcome_unknown'],
  },
  markRollbackOnly: {
    name: 'markRollbackOnly',
    summary: 'Makes every later commit a rollback',
    request: bodies.reasonBody,
    answers: { 200: transactionView },
    errors: ['already_decided', 'outcome_unknown'],
  },
  takeOutcome: {
    name: 'takeOutcome',
    summary: 'Takes the outcome of a branch that answered pending',
    request: bodies.outcomeBody,
    answers: { 200: branchView },
    errors: ['outcome_contradicts'],
  },
  retry: {
    name: 'retry',
    summary: 'Tries what is outstanding now, parked branches too',
    request: bodies.emptyBody,
    answers: { 200: transactionView },
    errors: ['transaction_finished'],
  },
  resolve: {
    name: 'resolve',
    summary: 'Decides parked branches by hand',
    request: bodies.resolveBody,
    answers: { 200: transactionView, 202: transactionView },
    errors: ['branch_not_found', 'branch_not_parked', 'command_in_flight', 'transaction_finished', 'not_available'],
  },
  registerInstance: {
    name: 'registerInstance',
    summary: 'Puts an instance of a participant into traffic, and is its heartbeat',
    request: bodies.instanceBody,
    answers: { 200: answers.registrationView },
    errors: ['kind_conflict'],
  },
  endInstance: {
    name: 'endInstance',
    summary: 'Takes an instance of a participant out of traffic',
    answers: { 200: answers.endedView },
  },
  listParticipants: {
    name: 'listParticipants',
    summary: 'Lists the participants with their limits, their health and their instances',
    answers: { 200: answers.participantList },
  },
  changeParticipant: {
    name: 'changeParticipant',
    summary: 'Sets limits of a participant, or pauses it',
    request: bodies.participantBody,
    answers: { 200: answers.participantView },
  },
  listAudit: {
    name: 'listAudit',
    summary: 'Lists what operators did, newest first',
    query: bodies.auditQuery,
    answers: { 200: answers.auditList },
  },
  showStats: {
    name: 'showStats',
    summary: 'Shows how the coordinator and its store are doing',
    answers: { 200: answers.statsView },
  },
  showMetrics: {
    name: 'showMetrics',
    summary: 'Tells metrics, in the text format of Prometheus',
    answers: { 200: 'text/plain' },
    errors: ['store_unavailable', 'not_available'],
  },
  streamChanges: {
    name: 'streamChanges',
    summary: 'Tells every change of every transaction as it comes, as server-sent events',
    query: bodies.streamQuery,
    headers: ['last-event-id'],
    answers: { 200: 'text/event-stream' },
    errors: ['too_many_watchers'],
  },
  alive: {
    name: 'alive',
    summary: 'Answers while the process is alive',
    answers: { 200: answers.healthView },
  },
  ready: {
    name: 'ready',
    summary: 'Answers whether work is taken: the store is there, and nobody is stopping it',
    answers: { 200: answers.healthView },
    errors: ['store_unavailable', 'stopping'],
  },
  describeApi: {
    name: 'describeApi',
    summary: 'Answers this document',
    answers: { 200: answers.documentView },
  },
} satisfies Record<string, Description>);
