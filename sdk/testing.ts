/** `concordat/testing`: tries a saga out under everything that can go wrong, without a server and in any test runner. */

export { snapshot } from './testing/databases.js';
export { examine, explore } from './testing/explore.js';
export type { FailureKind } from './testing/finding.js';
export type { End, ExploreOptions, Rehearsed, Saga } from './testing/options.js';
export type { CaseTime } from './testing/present.js';
export { type Failure, type Report, UnsafeSaga } from './testing/report.js';
