/** What was asked for, beside what came out. */
export interface Figure {
  readonly what: string;
  readonly asked: string;
  readonly measured: number;
  readonly met: boolean;
}

export const atLeast = (what: string, asked: number, measured: number): Figure => ({
  what,
  asked: `>= ${asked}`,
  measured,
  met: measured >= asked,
});

export const atMost = (what: string, asked: number, measured: number): Figure => ({
  what,
  asked: `<= ${asked}`,
  measured,
  met: measured <= asked,
});

/** Something that is told and was not asked for. */
export const told = (what: string, measured: number): Figure => ({ what, asked: '', measured, met: true });

/** What a scenario is given. */
export interface Run {
  readonly dir: string;
  readonly coordinator: string;
  /** 1 is what was asked for; less is a rehearsal. */
  readonly scale: number;
  readonly minutes: number;
  readonly progress: (line: string) => void;
}

export type Scenario = (run: Run) => Promise<readonly Figure[]>;
