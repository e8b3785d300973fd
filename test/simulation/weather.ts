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

export class Weather {
  /** How often each took effect. */
  readonly counts = new Map<Fault, number>();
  readonly on: ReadonlySet<Fault>;
  readonly #rates = new Map<Fault, number>();
  readonly #dice = new Map<Fault, Dice>();
  #calm = false;

  constructor(seed: number, without: ReadonlySet<Fault>) {
    const swarm = new Dice(seed, 'swarm');
    const share = 0.15 + 0.6 * swarm.draw();
    for (const fault of faults) {
      const isOn = swarm.chance(share);
      const rate = rateOf(fault) * swarm.draw();
      if (isOn && !without.has(fault) && rate > 0) this.#rates.set(fault, rate);
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
