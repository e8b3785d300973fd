/** Which faults there are, which of them a seed has, how often they strike, and how often they took effect. */
import { Dice } from './chance.js';

/** Share of the times at which it could strike, at most. `incident`: how many a minute, at most. */
const table = {
  'request lost': { share: 0.25 },
  'answer lost': { share: 0.25 },
  'request delayed': { share: 0.4 },
  'answer delayed': { share: 0.4 },
  'request duplicated': { share: 0.3 },
  'request comes after the end': { share: 0.15 },
  'requests reordered': { share: 0 },
  'partition towards a participant': { incident: 8 },
  'partition back from a participant': { incident: 8 },
  'participant crashes': { incident: 8 },
  'participant crashes before its commit': { share: 0.1 },
  'participant crashes after its commit': { share: 0.1 },
  'participant restarted': { share: 0 },
  'participant paused': { incident: 6 },
  'participant clock jumps': { incident: 6 },
  'participant commit fails': { share: 0.15 },
  'participant commit unknown, done': { share: 0.15 },
  'participant commit unknown, not done': { share: 0.15 },
  'participant database busy': { share: 0 },
  'coordinator crashes': { incident: 8 },
  'coordinator crashes at a seam': { incident: 10 },
  'coordinator paused beyond its lease': { incident: 4 },
  'coordinator paused shortly': { incident: 6 },
  'store conflict': { share: 0 },
  'store slow': { share: 0.3 },
  'store busy': { share: 0.2 },
  'append unknown, happened': { share: 0.15 },
  'append unknown, did not happen': { share: 0.15 },
  'append fails on its way': { share: 0.1 },
  'append answer lost': { share: 0.1 },
  'append answered late': { share: 0.06 },
  'read fails': { share: 0.1 },
  'lease not renewed': { share: 0.3 },
  'store outage': { incident: 4 },
  'store failover': { incident: 4 },
  'failover loses unsynced rows': { share: 0 },
  'database clock jumps': { incident: 3 },
  'queue loses': { share: 0.15 },
  'queue duplicates': { share: 0.3 },
  'queue delays': { share: 0.3 },
  'queue flushed': { incident: 6 },
  'handler refuses': { share: 0.25 },
  'handler throws': { share: 0.25 },
  'handler throws after its work': { share: 0.2 },
  'handler pending': { share: 0.2 },
  'handler slow': { share: 0.2 },
  'handler slower than its call': { share: 0.08 },
  'handler marks rollback-only': { share: 0.1 },
  'undo refused': { share: 0.1 },
  'confirm refused': { share: 0.08 },
  'broken for good': { share: 0.05 },
  'sold out': { share: 0 },
  'late outcome': { share: 0.5 },
  'provider request lost': { share: 0.2 },
  'provider answer lost': { share: 0.2 },
  'operator retries': { incident: 8 },
  'operator resolves': { incident: 8 },
  'client repeats': { share: 0.4 },
  'client repeats with another body': { share: 0.15 },
  'client races to commit and roll back': { share: 0.3 },
  'client wants a rollback': { incident: 10 },
  'client gone': { share: 0.15 },
  'deadline near': { share: 0.4 },
  'client request lost': { share: 0.12 },
  'client request delayed': { share: 0.3 },
  'client request duplicated': { share: 0.2 },
  'client answer lost': { share: 0.12 },
  'client answer delayed': { share: 0.3 },
  'client answer garbled': { share: 0.08 },
  'client meets a dead coordinator': { share: 0.3 },
  'client connection reset': { share: 0 },
  'client sent to another coordinator': { share: 0 },
  'gateway answers before the coordinator': { share: 0.1 },
  'coordinator dies before it answers a client': { share: 0.05 },
  'client code throws': { share: 0.3 },
  'client code leaves a call unawaited': { share: 0.5 },
  'client code swallows what an inner one threw': { share: 0.4 },
  'client code goes on after the end': { share: 0.4 },
  'client code marks rollback-only': { share: 0.2 },
  'participant stops in good order': { incident: 12 },
  'request to an instance that is gone': { share: 0 },
  'nobody there for a command': { share: 0 },
  'batch answer cut short': { share: 0.4 },
  'batch answer without end': { share: 0.15 },
  'batch answer leaves one out': { share: 0.4 },
  'batch answered as one document': { share: 0.5 },
  'batch not known to the host': { share: 0.6 },
  'answer without end': { share: 0.02 },
  'answer redirects': { share: 0.1 },
  'command forged': { incident: 20 },
  'command replayed under another origin': { incident: 30 },
  'coordinator paused before it sends': { share: 0.02 },
  'answer garbled': { share: 0.1 },
  'store refuses one of a group': { share: 0.03 },
  'handler refuses after its work': { share: 0.15 },
  'proxy answers in its place': { share: 0.05 },
  'client comes back late': { incident: 20 },
  'outcome refused by the store': { share: 0.12 },
  'read slow': { share: 0.1 },
  'operator pauses a participant': { incident: 8 },
  'everybody comes at once': { share: 0.25 },
} as const satisfies Record<string, { readonly share: number } | { readonly incident: number }>;

export type Fault = keyof typeof table;
export const faults = Object.keys(table) as readonly Fault[];

/** What follows from other faults, or from the work itself: never switched off. */
export const consequences: readonly Fault[] = faults.filter((fault) => 'share' in table[fault] && rateOf(fault) === 0);
export const incidents: readonly Fault[] = faults.filter((fault) => 'incident' in table[fault]);

function rateOf(fault: Fault): number {
  const row = table[fault];
  return 'share' in row ? row.share : row.incident;
}

const favouredRateOf = (fault: Fault): number => rateOf(fault) * ('incident' in table[fault] ? 3 : 1);

export class Weather {
  /** How often each took effect. */
  readonly counts = new Map<Fault, number>();
  readonly on: ReadonlySet<Fault>;
  readonly #rates = new Map<Fault, number>();
  readonly #dice = new Map<Fault, Dice>();
  #calm = false;

  /** `favoured`: on in any case, and as often as they can be; what comes by itself even more often. */
  constructor(seed: number, without: ReadonlySet<Fault>, favoured: ReadonlySet<Fault> = new Set()) {
    const share = 0.15 + 0.6 * new Dice(seed, 'swarm').draw();
    for (const fault of faults) {
      // Draws of its own: a new kind of fault leaves those of the others as they were.
      const own = new Dice(seed, `swarm ${fault}`);
      const isOn = own.chance(share);
      const drawn = rateOf(fault) * own.draw();
      const rate = favoured.has(fault) ? favouredRateOf(fault) : isOn && !without.has(fault) ? drawn : 0;
      if (rate > 0) this.#rates.set(fault, rate);
    }
    this.on = new Set(this.#rates.keys());
    for (const fault of this.on) this.#dice.set(fault, new Dice(seed, fault));
  }

  /** From now on nothing strikes. */
  calm(): void {
    this.#calm = true;
  }

  /** Whether it strikes now. */
  strikes(fault: Fault): boolean {
    const rate = this.#calm ? undefined : this.#rates.get(fault);
    return rate !== undefined && this.dice(fault).chance(rate);
  }

  /** The same, where it takes effect as soon as it strikes. */
  hits(fault: Fault): boolean {
    const struck = this.strikes(fault);
    if (struck) this.took(fault);
    return struck;
  }

  took(fault: Fault): void {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
  }

  /** Draws of its own, so that switching off another fault does not change them. */
  dice(fault: Fault): Dice {
    const dice = this.#dice.get(fault);
    if (dice) return dice;
    const fresh = new Dice(0, fault);
    this.#dice.set(fault, fresh);
    return fresh;
  }

  /** Ms until the next incident of this kind; undefined when it has none. */
  nextIncidentMs(fault: Fault): number | undefined {
    const perMinute = this.#rates.get(fault);
    if (this.#calm || perMinute === undefined) return undefined;
    return (-Math.log(1 - this.dice(fault).draw()) * 60_000) / perMinute;
  }
}
