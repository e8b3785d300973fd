/** What happens to processes and to the store, and who comes, every now and then. */
import { forge, replay } from './attack.js';
import { comeBack, comeTogether } from './latecomers.js';
import { resolve, retry } from './people.js';
import type { Simulation } from './simulation.js';
import { failOver } from './stores.js';
import { type Fault, incidents } from './weather.js';

/** Lets every kind of incident come at its own times. */
export function stirUp(simulation: Simulation): void {
  simulation.onWon = (won) => comeTogether(simulation, won);
  for (const fault of incidents) if (simulation.weather.on.has(fault)) again(simulation, fault);
}

function again(simulation: Simulation, fault: Fault): void {
  const ms = simulation.weather.nextIncidentMs(fault);
  if (ms === undefined) return;
  simulation.clock.after(ms, () => {
    if (simulation.weather.nextIncidentMs(fault) === undefined) return;
    happens[fault]?.(simulation, fault);
    again(simulation, fault);
  });
}

type Happening = (simulation: Simulation, fault: Fault) => void;

const happens: Partial<Readonly<Record<Fault, Happening>>> = {
  'partition towards a participant': (simulation, fault) => cut(simulation, fault, 'towards'),
  'partition back from a participant': (simulation, fault) => cut(simulation, fault, 'back'),
  'participant crashes': (simulation, fault) => {
    const { weather, instances } = simulation;
    const alive = instances.filter(({ isAlive }) => isAlive);
    if (alive.length === 0) return;
    weather.took(fault);
    weather.dice(fault).one(alive).kill();
  },
  'participant stops in good order': (simulation, fault) => {
    const { weather, instances, settings } = simulation;
    const alive = instances.filter(({ isAlive }) => isAlive);
    if (!settings.registers || alive.length === 0) return;
    weather.took(fault);
    void weather.dice(fault).one(alive).stop();
  },
  'command forged': forge,
  'command replayed under another origin': replay,
  'participant paused': (simulation, fault) => {
    const { weather, instances, clock } = simulation;
    const running = instances.filter((each) => each.clock.state === 'running');
    if (running.length === 0) return;
    weather.took(fault);
    const instance = weather.dice(fault).one(running);
    instance.pause();
    clock.after(weather.dice(fault).between(200, 8000), () => instance.isAlive && instance.resume());
  },
  'participant clock jumps': (simulation, fault) => {
    const { weather, instances } = simulation;
    const alive = instances.filter(({ isAlive }) => isAlive);
    if (alive.length === 0) return;
    weather.took(fault);
    const { clock } = weather.dice(fault).one(alive);
    clock.set(clock.now() + weather.dice(fault).between(-20_000, 20_000));
  },
  'coordinator crashes': (simulation, fault) => {
    const running = simulation.running();
    if (running.length === 0) return;
    simulation.weather.took(fault);
    simulation.weather.dice(fault).one(running).kill();
  },
  'coordinator crashes at a seam': (simulation, fault) => {
    const running = simulation.running();
    const dice = simulation.weather.dice(fault);
    if (running.length > 0) dice.one(running).diesAtSeam = dice.between(1, 12);
  },
  'coordinator paused beyond its lease': (simulation, fault) =>
    pauseMember(simulation, fault, simulation.settings.leaseMs * 1.2, simulation.settings.leaseMs * 3),
  'coordinator paused shortly': (simulation, fault) => pauseMember(simulation, fault, 50, 1800),
  'store outage': ({ database, world, weather }, fault) => {
    database.downUntil = world.ms + weather.dice(fault).between(100, 5000);
  },
  'store failover': ({ database, world, weather, disk, clock, settings }, fault) => {
    const dice = weather.dice(fault);
    const happen = (): void => {
      weather.took(fault);
      const lost = failOver({ state: database, disk });
      for (let i = 0; i < lost; i++) weather.took('failover loses unsynced rows');
      database.downUntil = world.ms + dice.between(50, 1500);
    };
    if (!settings.dirtyReads) happen();
    else database.onDirtyRead = () => clock.after(dice.between(1, 100), happen);
  },
  'database clock jumps': ({ world, weather }, fault) => {
    weather.took(fault);
    world.databaseOffset += weather.dice(fault).between(-3000, 3000);
  },
  'queue flushed': (simulation, fault) => {
    for (const member of simulation.running())
      for (let lost = member.flushQueue(); lost > 0; lost--) simulation.weather.took(fault);
  },
  'operator retries': (simulation, fault) => {
    const { weather, xids } = simulation;
    if (xids.length > 0) void retry(simulation, weather.dice(fault).one(xids), fault);
  },
  'operator resolves': (simulation, fault) => {
    const { weather, xids, disk } = simulation;
    const parked = xids.filter((xid) => disk.summaries.get(xid)?.status === 'parked');
    if (parked.length > 0) void resolve(simulation, weather.dice(fault).one(parked), fault);
  },
  'operator pauses a participant': (simulation, fault) => {
    const { weather, clock, settings } = simulation;
    const dice = weather.dice(fault);
    const name = `p${dice.below(settings.participants)}`;
    weather.took(fault);
    void setPaused(simulation, name, true);
    clock.after(dice.between(200, 8000), () => void setPaused(simulation, name, false));
  },
  'client comes back late': comeBack,
  'client wants a rollback': (simulation, fault) => {
    const { weather, xids } = simulation;
    if (xids.length === 0) return;
    weather.took(fault);
    void simulation.ask(weather.dice(fault).one(xids), 'somebody', { type: 'rollback', reason: 'somebody' });
  },
};

/** By one coordinator or another; the others hear of it by their sweep. To go on is asked for until it is done. */
async function setPaused(simulation: Simulation, name: string, paused: boolean): Promise<void> {
  const [member] = simulation.running();
  const change = member?.coordinator.controls.change({ name, paused }) ?? Promise.reject(new Error('nobody is there'));
  const died = member?.died.then(() => Promise.reject(new Error('it died meanwhile')));
  await Promise.race([change, died]).catch(() => {
    if (!paused) simulation.clock.after(500, () => void setPaused(simulation, name, false));
  });
}

function cut(simulation: Simulation, fault: Fault, way: string): void {
  const { weather, wire, clock, settings } = simulation;
  const dice = weather.dice(fault);
  const alive = simulation.running();
  if (alive.length === 0) return;
  const line = `${dice.one(alive).name} ${way} p${dice.below(settings.participants)}`;
  wire.cuts.add(line);
  clock.after(dice.between(500, 6000), () => void wire.cuts.delete(line));
}

function pauseMember(simulation: Simulation, fault: Fault, leastMs: number, mostMs: number): void {
  const { weather, clock } = simulation;
  const running = simulation.running();
  if (running.length === 0) return;
  weather.took(fault);
  const member = weather.dice(fault).one(running);
  member.pause();
  clock.after(weather.dice(fault).between(leastMs, mostMs), () => member.clock.state === 'paused' && member.resume());
}

/** Starts again what died, after a while. */
export function raise(simulation: Simulation): void {
  const { members, instances, settings, clock, weather } = simulation;
  const alive = members.filter(({ clock }) => clock.state !== 'dead').length;
  if (alive < settings.coordinators) void simulation.startMember();
  for (const participant of simulation.disks.keys()) {
    const here = instances.filter((each) => each.participant === participant && each.isAlive).length;
    if (here >= settings.instances) continue;
    weather.took('participant restarted');
    void simulation.startInstance(participant);
  }
  clock.after(simulation.dice.between(300, 3000), () => raise(simulation));
}
