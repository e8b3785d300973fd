/** `concordat doctor`: what is wrong with a coordinator, its store and its participants, and how to mend it. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemChance, systemClock } from '../clock.js';
import type { Config } from '../config.js';
import type { StoreFacts } from '../store/facts.js';
import { lookAtConfiguration } from './doctor/configuration.js';
import { lookAtCoordinator } from './doctor/coordinator.js';
import { type Finding, findingLines } from './doctor/finding.js';
import { lookAtParticipants, type Participant } from './doctor/participants.js';
import { lookAtPostgres } from './doctor/postgres.js';
import { lookAtStore } from './doctor/store.js';
import { exitCodes } from './exit.js';
import { json, say } from './print.js';
import { type OnStore, onStore } from './store-path.js';
import { addressOf } from './talking.js';

const examples = `
Run it where the coordinator runs, with the same settings: it reads them as "concordat serve" does. It changes nothing:
a store is only read, whatever its schema. Without a coordinator it tells what the store alone says.
--remote leaves the store and the settings of this machine out, for a coordinator that runs elsewhere.
It ends with 0 when there is no problem (warnings are none), and with 1 otherwise.

Examples:
  $ concordat doctor
  $ concordat doctor --store sqlite:/var/lib/concordat/concordat.db
  $ concordat doctor --remote --url https://concordat.internal.example.com
  $ concordat doctor --json | jq '.findings[] | select(.level != "ok")'`;

interface DoctorOptions extends OnStore {
  readonly url?: string;
  readonly remote?: true;
  readonly integrity: boolean;
}

export const doctorCommand = (): Command =>
  onStore('doctor', 'see what is wrong, and how to mend it')
    .option('--url <url>', 'address of the coordinator (CONCORDAT_URL, default: http://127.0.0.1:8090)')
    .option('--remote', 'look at nothing of this machine')
    .option('--no-integrity', 'do not read the whole store for damage, which takes a while when it is large')
    .addHelpText('after', examples)
    .action(async (options: DoctorOptions) => {
      const findings = await examine(options);
      const hasProblem = findings.some(({ level }) => level === 'problem');
      say(options.json ? json({ ok: !hasProblem, findings }) : findingLines(findings));
      if (hasProblem) process.exitCode = exitCodes.no;
    });

async function examine(options: DoctorOptions): Promise<readonly Finding[]> {
  const around = { clock: systemClock(), chance: systemChance() };
  const here = options.remote ? undefined : await examineHere(options, around);
  const coordinator = await lookAtCoordinator({ ...addressOf(options), ...around });
  const participants = coordinator.participants ?? registeredIn(here?.facts, around.clock.now());
  return [
    ...(here?.findings ?? []),
    // What it says of transactions is what its own store says.
    ...coordinator.findings.filter(({ about }) => about !== 'transactions' || !here?.facts),
    ...(participants ? await lookAtParticipants({ ...around, participants, config: here?.config }) : []),
  ];
}

interface Here {
  readonly findings: readonly Finding[];
  readonly config: Config | undefined;
  readonly facts: StoreFacts | undefined;
}

async function examineHere(
  options: DoctorOptions,
  around: Pick<Parameters<typeof lookAtStore>[0], 'clock' | 'chance'>,
): Promise<Here> {
  const { findings, config } = lookAtConfiguration(options);
  if (!config) return { findings, config, facts: undefined };
  const store = await lookAt(config, options.integrity, around);
  return { findings: [...findings, ...store.findings], config, facts: store.facts };
}

function lookAt(
  { store, retentionMs }: Config,
  integrity: boolean,
  around: Pick<Parameters<typeof lookAtStore>[0], 'clock' | 'chance'>,
): ReturnType<typeof lookAtStore> {
  const look = { ...around, isPurged: retentionMs !== null };
  if (store.kind === 'postgres') return lookAtPostgres({ ...look, address: store });
  if (store.path === ':memory:') return Promise.resolve({ findings: [], facts: undefined });
  return lookAtStore({ ...look, path: resolve(store.path), integrity });
}

/** The registry as the store has it, for when no coordinator can be asked. */
function registeredIn(facts: StoreFacts | undefined, now: number): readonly Participant[] | undefined {
  if (!facts) return undefined;
  const names = [...new Set(facts.instances.map(({ participant }) => participant))];
  return names.map((name) => ({
    name,
    instances: facts.instances
      .filter(({ participant }) => participant === name)
      .map(({ id, url, batch, renewedAt, ttlMs }) => {
        const expiresAt = renewedAt + ttlMs;
        return { id, url, batch, expiresAt: new Date(expiresAt).toISOString(), alive: expiresAt > now };
      }),
  }));
}
