/** Somebody on the network who has no secret, and wants to command instances that ask for signatures. */
import { signer } from '../../coordinator/dispatch/sign.js';
import type { Instance } from './instance.js';
import type { Posted } from './posted.js';
import { Returned } from './returned.js';
import type { Simulation } from './simulation.js';
import type { Fault } from './weather.js';

const stranger = signer([`whsec_${Buffer.from('a secret that nobody shares with it').toString('base64')}`]);
const anHourMs = 3_600_000;

/** A command that no coordinator made: unsigned, or signed with another secret. */
export function forge(simulation: Simulation, fault: Fault): void {
  const { weather, settings, world, disk } = simulation;
  const dice = weather.dice(fault);
  const instance = settings.isSigned ? somebody(simulation, fault) : undefined;
  if (!instance) return;
  const xid = `forged${dice.below(1_000_000)}`;
  const body = JSON.stringify({
    xid,
    branch: 1,
    op: 'action',
    id: 's1',
    kind: 'saga',
    input: { cell: 'a', amount: 1 },
  });
  const { origin } = disk.identity;
  const id = `${origin}-${xid}-1-action`;
  const seconds = Math.floor(world.database.wall() / 1000);
  const signature = dice.chance(0.5) ? stranger?.(id, seconds, body) : undefined;
  const headers: Readonly<Record<string, string | undefined>> = {
    'concordat-origin': origin,
    'concordat-xid': xid,
    'concordat-branch': '1',
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signature,
  };
  attack(simulation, fault, instance, {
    path: '/move/action',
    header: (name) => headers[name],
    body: Buffer.from(body),
  });
}

/** A command that was seen on its way, as if another installation had sent it: to its fence it would be a new one. */
export function replay(simulation: Simulation, fault: Fault): void {
  const { wire, settings, world } = simulation;
  const { seen } = wire;
  const instance = settings.isSigned && seen ? simulation.instanceAt(seen.origin) : undefined;
  if (!instance?.isAlive || !seen) return;
  const changed: Readonly<Record<string, string>> = {
    'concordat-origin': 'another-installation',
    'concordat-expires': String(Math.floor(world.database.wall()) + anHourMs),
  };
  const header = (name: string): string | undefined => changed[name] ?? seen.posted.header(name);
  attack(simulation, fault, instance, { ...seen.posted, header });
}

function somebody({ weather, instances }: Simulation, fault: Fault): Instance | undefined {
  const alive = instances.filter(({ isAlive }) => isAlive);
  return alive.length > 0 ? weather.dice(fault).one(alive) : undefined;
}

function attack({ weather, seen }: Simulation, fault: Fault, instance: Instance, posted: Posted): void {
  const onHeaders = (status: number): boolean => {
    if (status === 401) weather.took(fault);
    else if (status < 300) seen.push(`C ${instance.name} took a ${fault}: ${posted.path}`);
    return true;
  };
  instance.answers(posted, new Returned({ taker: { onHeaders }, passes: (deliver) => deliver() }));
}
