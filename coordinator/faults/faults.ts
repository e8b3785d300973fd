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

/** Every point where a test can kill the coordinator: before and after each durable write and each send. */
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

/** The same in the fence of a participant: around the work and the commit that are one. */
export const fenceFailpoints = ['fence-before-work', 'fence-before-commit', 'fence-after-commit'] as const;

export type Failpoint = (typeof failpoints)[number] | (typeof fenceFailpoints)[number];

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
  'return-though-rolled-back',
  'commit-after-a-swallowed-error',
  'leave-unawaited-calls',
  'join-after-the-end',
  'join-any-caller',
  'xid-to-anybody',
  'kinds-may-differ',
  'send-to-expired-instances',
  'a-missing-instance-is-an-attempt',
  'outcomes-by-place',
  'batches-without-end',
  'take-any-signature',
  'headers-untied',
  'run-expired-commands',
  'work-without-its-marks',
  'stop-without-drain',
  'lend-the-state',
  'silence-is-a-no',
  'fence-inserts-nothing',
  'fence-answers-before-commit',
  'fence-forgets-refusals',
  'fence-forgets-refused-ends',
  'fence-lets-late-forwards-in',
  'fence-takes-contradictions',
  'fence-takes-missing-for-empty',
  'fence-lets-twins-wait',
  'fence-cleans-without-floor',
  'append-over-another',
  'order-by-time',
  'reuse-a-command-id',
  'deliver-before-the-commit',
  'one-key-for-all-branches',
  'no-deadline',
  'do-in-any-order',
  'send-what-was-given-up',
  'act-upon-what-lost',
  'no-doubts',
  'no-review',
  'no-adoption',
  'fence-keeps-refused-work',
  'fence-forgets-outputs',
  'resolve-while-in-flight',
  'attempts-without-end',
  'pivot-in-doubt-is-a-no',
  'decide-without-asking',
  'no-answer-is-a-no',
  'forget-marks',
] as const;
export type PlantedBug = (typeof plantedBugs)[number];
