import { safe } from '../print.js';

export const levels = ['ok', 'warning', 'problem'] as const;
export type Level = (typeof levels)[number];

/** One thing that was looked at. */
export interface Finding {
  readonly about: 'program' | 'configuration' | 'queue' | 'store' | 'coordinator' | 'participants' | 'transactions';
  readonly level: Level;
  readonly text: string;
  /** How to mend it, in a line; null where there is nothing to mend. */
  readonly mend: string | null;
}

export type About = Finding['about'];

export const ok = (about: About, text: string): Finding => ({ about, level: 'ok', text, mend: null });
export const warning = (about: About, text: string, mend: string): Finding => ({ about, level: 'warning', text, mend });
export const problem = (about: About, text: string, mend: string): Finding => ({ about, level: 'problem', text, mend });

/** One line a finding, and one below it that says how to mend it. */
export function findingLines(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ about, level, text, mend }) => [
    `${level.padEnd(9)}${about.padEnd(15)}${safe(text, 300)}`,
    ...(mend === null ? [] : [`${' '.repeat(24)}→ ${safe(mend, 300)}`]),
  ]);
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const end = problems + warnings === 0 ? 'nothing to mend' : `${problems} to mend, ${warnings} to look at`;
  return [...lines, '', end].join('\n');
}

export const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // `fetch` says only that it failed; why is behind it.
  const cause = error.cause instanceof Error ? error.cause : error;
  return cause.message || String((cause as NodeJS.ErrnoException).code);
};
