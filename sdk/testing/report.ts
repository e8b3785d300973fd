import type { Finding } from './findings.js';

/** Something that is wrong, with the shortest case that shows it. */
export interface Failure extends Finding {
  /** What went wrong on the way, in a few words. */
  readonly trouble: string;
  /** The case as numbered sentences, one a line; the last says what is wrong. */
  readonly story: string;
  /** How many cases show it. */
  readonly cases: number;
}

export interface Report {
  /** How many cases were run. */
  readonly cases: number;
  /** How long that took, in ms. */
  readonly durationMs: number;
  /** Each wrong thing once, with its shortest story. */
  readonly failures: readonly Failure[];
  /** All stories, or one line when nothing is wrong. */
  toString(): string;
  /** Throws {@link UnsafeSaga} when something is wrong. */
  assert(): void;
}

/** A saga that is not safe: the message has the stories. */
export class UnsafeSaga extends Error {
  override readonly name = 'UnsafeSaga';
  readonly report: Report;

  constructor(report: Report) {
    super(report.toString());
    this.report = report;
  }
}

export function reportOf(cases: number, durationMs: number, failures: readonly Failure[]): Report {
  const report: Report = {
    cases,
    durationMs,
    failures,
    toString: () => textOf(cases, failures),
    assert() {
      if (failures.length > 0) throw new UnsafeSaga(report);
    },
  };
  return report;
}

function textOf(cases: number, failures: readonly Failure[]): string {
  const ran = `${cases} ${cases === 1 ? 'case' : 'cases'}`;
  if (failures.length === 0) return `${ran}, nothing is wrong`;
  const things = failures.length === 1 ? 'one thing is' : `${failures.length} things are`;
  return [`${ran}, ${things} wrong`, ...failures.map((failure, at) => failureText(failure, at + 1))].join('\n\n');
}

const failureText = ({ kind, where, trouble, story, cases }: Failure, number: number): string =>
  `${number}) ${kind}${where === undefined ? '' : `: ${where}`} (seen in ${cases} ${cases === 1 ? 'case' : 'cases'}; here: ${trouble})\n${story}`;

/** The sentences of a case, and what is wrong as the last of them. */
export function storyOf(lines: readonly string[], { where, what }: Finding): string {
  const end = where === undefined ? `Wrong: ${what}` : `Wrong with ${where}: ${what}`;
  return [...lines, end].map((line, at) => `${String(at + 1).padStart(4)}. ${line}`).join('\n');
}
