/**
 * Seams for tests only. `#faults` resolves to `none.ts`, where both do nothing, unless Node runs with
 * `--conditions=concordat-test`; the armed twin is not in the published package.
 */
export interface Faults {
  /** Marks a point in the code. Armed with `CONCORDAT_FAILPOINT=name`, the process is killed exactly there. */
  reach(name: Failpoint): void;
  /** Whether the protection that guards against this is taken out (`CONCORDAT_PLANTED=name,…`), to prove that tests see it. */
  planted(name: PlantedBug): boolean;
}

/** Every point where a test can kill the process: before and after each durable write and each send. */
export const failpoints = [
  'before-open-append',
  'after-open-append',
  'before-result-append',
  'after-result-append',
  'before-decision-append',
  'after-decision-append',
  'before-end-append',
  'after-end-append',
  'before-adopt-append',
  'after-adopt-append',
  'after-queue-before-send',
  'before-send',
  'after-send-before-reply',
  'after-reply',
  'before-answer',
  'before-commit',
  'after-commit',
] as const;
export type Failpoint = (typeof failpoints)[number];

/** Every protection that can be taken out. */
export const plantedBugs = [
  'append-without-predecessor-check',
  'answer-before-commit',
  'timeout-is-a-no',
  'no-sweep',
  'no-adoption-attempt',
  'forget-unknown-branches-in-rollback',
  'rollback-while-forward-in-flight',
  'undo-in-any-order',
  'reverse-a-decision',
  'accept-any-late-outcome',
  'refused-undo-is-done',
  'expired-commands-are-sent',
  'follow-redirects',
  'read-any-size',
  'no-total-deadline',
  'bad-json-is-done',
  'unsigned-commands',
  'lost-commit-answer-is-a-no',
  'failing-append-fails-its-group',
  'ignore-body-on-resubmit',
  'pending-for-ever',
  'send-to-any-address',
  'synchronous-normal',
  'keep-going-after-fsync-error',
  'use-the-wall-clock',
  'lease-never-ends',
  'accept-proto-keys',
  'new-branch-after-closing',
] as const;
export type PlantedBug = (typeof plantedBugs)[number];
