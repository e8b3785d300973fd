/**
 * Looks at every state that a model can come to, breadth first, so that the first way to a wrong state is a shortest one.
 *
 * Told of a model: what is wrong in a state, a step that throws, a state that is not final and that nothing leads out of,
 * and, with `mustEnd`, a state from which no final one can be reached by steps that are no faults.
 */

export interface Step<S> {
  /** As the story of a counterexample tells it. */
  readonly label: string;
  /** Left out when it is asked whether a state can still end. */
  readonly isFault?: boolean;
  /** Leaves the state that it starts from as it is. Throws for what must never happen. */
  take(): S | Promise<S>;
}

export interface Model<S> {
  readonly name: string;
  readonly initial: S;
  /** The same steps in the same order for the same state. */
  next(state: S): readonly Step<S>[];
  /** Two states with one key are one state: they differ in nothing that matters from there on. */
  keyOf(state: S): string;
  /** What must not be, in a sentence; undefined when all is well. */
  wrongIn(state: S): string | undefined;
  isFinal(state: S): boolean;
  /** Whether every state must be able to end once faults stop. */
  readonly mustEnd?: boolean;
}

export interface Counterexample {
  readonly what: string;
  /** Labels, in order. */
  readonly steps: readonly string[];
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** Steps from the initial state to the farthest one. */
  readonly depth: number;
  readonly finals: number;
  readonly counterexample: Counterexample | undefined;
}

/** More states than `statesMax` are a counterexample: a space without end is a mistake in the model. */
export async function explore<S>(model: Model<S>, statesMax = 5_000_000): Promise<Explored> {
  const search = new Search(model, statesMax);
  const wrong = await search.run();
  return { ...search.figures(), counterexample: wrong && (await tell(model, search, wrong)) };
}

/** The state in which something is wrong and, where a step threw, which one it was. */
interface Wrong {
  readonly what: string;
  readonly at: number;
  readonly step?: number;
}

class Search<S> {
  readonly #model: Model<S>;
  readonly #statesMax: number;
  readonly #numbers = new Map<string, number>();
  /** By the number of a state: from which one it was reached first, and by its how manyth step. */
  readonly #parents: number[] = [];
  readonly #steps: number[] = [];
  readonly #finals: number[] = [];
  /** Steps that are no faults, as pairs of numbers. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #transitions = 0;
  #depth = 0;

  constructor(model: Model<S>, statesMax: number) {
    this.#model = model;
    this.#statesMax = statesMax;
  }

  async run(): Promise<Wrong | undefined> {
    let level = new Map<number, S>();
    this.#reach(this.#model.initial, -1, -1, level);
    for (; level.size > 0; this.#depth++) {
      const next = new Map<number, S>();
      for (const [number, state] of level) {
        const wrong = this.#look(number, state) ?? (await this.#goOn(number, state, next));
        if (wrong) return wrong;
      }
      level = next;
    }
    return this.#model.mustEnd ? this.#endless() : undefined;
  }

  #look(at: number, state: S): Wrong | undefined {
    const what = this.#model.wrongIn(state);
    if (what !== undefined) return { what, at };
    if (this.#model.isFinal(state)) this.#finals.push(at);
    return undefined;
  }

  async #goOn(at: number, state: S, level: Map<number, S>): Promise<Wrong | undefined> {
    let leaves = false;
    for (const [index, step] of this.#model.next(state).entries()) {
      try {
        const taken = step.take();
        const to = this.#reach(taken instanceof Promise ? await taken : taken, at, index, level);
        leaves ||= to !== at;
        if (!step.isFault && to !== at) {
          this.#from.push(at);
          this.#to.push(to);
        }
      } catch (error) {
        return { what: firstLineOf(error), at, step: index };
      }
    }
    return leaves || this.#finals.at(-1) === at ? undefined : { what: 'stuck: nothing leads out of this state', at };
  }

  #reach(state: S, from: number, step: number, level: Map<number, S>): number {
    this.#transitions += from < 0 ? 0 : 1;
    const key = this.#model.keyOf(state);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#parents.length;
    if (number >= this.#statesMax) throw new RangeError(`${this.#model.name}: more than ${this.#statesMax} states`);
    this.#numbers.set(key, number);
    this.#parents.push(from);
    this.#steps.push(step);
    level.set(number, state);
    return number;
  }

  /** Goes back from the final states; the first state that is not met cannot end. */
  #endless(): Wrong | undefined {
    const ends = new Uint8Array(this.#parents.length);
    for (const number of this.#finals) ends[number] = 1;
    for (let more = true; more; ) {
      more = false;
      for (let edge = this.#from.length - 1; edge >= 0; edge--) {
        const from = this.#from[edge]!;
        if (ends[from] || !ends[this.#to[edge]!]) continue;
        ends[from] = 1;
        more = true;
      }
    }
    const at = ends.indexOf(0);
    return at < 0 ? undefined : { what: 'endless: no end can be reached from this state though faults stop', at };
  }

  /** Which steps lead from the initial state to this one. */
  wayTo(number: number): readonly number[] {
    const way: number[] = [];
    for (let at = number; this.#parents[at]! >= 0; at = this.#parents[at]!) way.unshift(this.#steps[at]!);
    return way;
  }

  figures(): Omit<Explored, 'counterexample'> {
    const { length: states } = this.#parents;
    return { states, transitions: this.#transitions, depth: Math.max(0, this.#depth - 1), finals: this.#finals.length };
  }
}

const firstLineOf = (error: unknown): string => (error as Error).message.split('\n', 1)[0]!;

/** Takes the same steps once more, for their labels: states are not kept. */
async function tell<S>(model: Model<S>, search: Search<S>, { what, at, step }: Wrong): Promise<Counterexample> {
  const steps: string[] = [];
  let state = model.initial;
  for (const index of search.wayTo(at)) {
    const taken = model.next(state)[index]!;
    steps.push(taken.label);
    state = await taken.take();
  }
  if (step !== undefined) steps.push(model.next(state)[step]!.label);
  return { what, steps };
}

/** What was looked at, in a line; and what is wrong, as a story. */
export function report({ name }: { readonly name: string }, explored: Explored): string {
  const { states, transitions, depth, finals, counterexample } = explored;
  const line = `${name}: ${states} states, ${transitions} transitions, ${depth} deep, ${finals} final`;
  if (!counterexample) return line;
  const story = counterexample.steps.map((step, index) => `  ${index + 1}. ${step}`);
  return [line, `  wrong: ${counterexample.what}`, ...story].join('\n');
}
