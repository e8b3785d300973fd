import type { Finding } from './finding.js';

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
  /** How many cases were run, pairs among them. */
  readonly cases: number;
  /** Cases with two troubles: how many were run, of how many that lead somewhere new. See `pairsMax`. */
  readonly pairs: { readonly run: number; readonly of: number };
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

export function reportOf(found: Pick<Report, 'cases' | 'pairs' | 'durationMs' | 'failures'>): Report {
  const report: Report = {
    ...found,
    toString: () => textOf(found),
    assert() {
      if (found.failures.length > 0) throw new UnsafeSaga(report);
    },
  };
  return report;
}

function textOf({ cases, pairs, failures }: Pick<Report, 'cases' | 'pairs' | 'failures'>): string {
  const drawn = pairs.of === 0 ? '' : ` (two troubles at once: ${pairs.run} of ${pairs.of})`;
  const ran = `${cases} ${cases === 1 ? 'case' : 'cases'}${drawn}`;
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
