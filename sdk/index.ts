export type { CallOptions, CallTarget, LoneCallOptions } from './client/call-types.js';
export {
  type Client,
  type ConnectOptions,
  connect,
  type Filter,
  type LateOutcome,
  type OpenOptions,
  type Plan,
  type RunInside,
  type TransactionPage,
  type Wait,
} from './client/client.js';
export { type CurrentTransaction, currentTransaction, setRollbackOnly } from './client/context.js';
export { setDefaultClient } from './client/default-client.js';
export { NoCoordinator, PropagationError, RolledBack, TransactionEnded, Uncertain } from './client/errors.js';
export { type TransactionFetchOptions, transactionFetch } from './client/outgoing.js';
export { plan } from './client/plan.js';
export { on } from './client/plan-targets.js';
export type {
  Input,
  MessageStepOptions,
  PlanOf,
  PlanOptions,
  Ref,
  StepOptions,
  Target,
  Targets,
} from './client/plan-types.js';
export type { Remote, RemoteOptions } from './client/remote.js';
export type { Propagation, RunOptions } from './client/run.js';
export { GlobalTransaction, type GlobalTransactionOptions } from './decorators/global-transaction.js';
export { Check, Message, Saga, Tcc } from './decorators/handlers.js';
export { Participant } from './decorators/participant.js';
export type { Branch, Settle } from './participant/branch.js';
export type { Clock } from './participant/clock.js';
export {
  type FenceOptions,
  type MessageOptions,
  message,
  type ParticipantOptions,
  participant,
  type SagaOptions,
  saga,
  type TccOptions,
  tcc,
} from './participant/define.js';
export type { Check as CheckWork, Fencing, Handler, ParticipantDefinition, Work } from './participant/handler.js';
export type { HostLog } from './participant/log.js';
export { type Host, type ServeOptions, serve } from './participant/serve.js';
export { Pending, Refused } from './protocol/answers.js';
export { ConcordatError, type ErrorCode, type InputError } from './protocol/errors.js';
export type { Json } from './protocol/json.js';
export type { Kind, Op } from './protocol/kinds.js';
export type { CheckAnswer } from './protocol/outcomes.js';
export type { BranchBody, ResolveBody, StepBody } from './protocol/schemas.js';
export type {
  BranchStatus,
  BranchView,
  Decision,
  EventView,
  TransactionItemView,
  TransactionStatus,
  TransactionSummaryView,
  TransactionView,
  WaitingOn,
} from './protocol/views.js';
