export {
  type Client,
  type ConnectOptions,
  connect,
  type Filter,
  type OpenOptions,
  type Plan,
  type TransactionPage,
  type Wait,
} from './client/client.js';
export { NoCoordinator } from './client/errors.js';
export { ConcordatError, type ErrorCode, type InputError } from './protocol/errors.js';
export type { Json } from './protocol/json.js';
export type { Kind, Op } from './protocol/kinds.js';
export type { BranchBody, ResolveBody, StepBody } from './protocol/schemas.js';
export type {
  BranchStatus,
  BranchView,
  Decision,
  EventView,
  TransactionStatus,
  TransactionSummaryView,
  TransactionView,
  WaitingOn,
} from './protocol/views.js';
