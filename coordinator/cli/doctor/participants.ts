import { headers } from '../../../sdk/protocol/commands.js';
import type { InstanceView, ParticipantView } from '../../../sdk/protocol/views.js';
import type { Chance, Clock } from '../../clock.js';
import type { Config } from '../../config.js';
import { allowList } from '../../dispatch/allow.js';
import { signer } from '../../dispatch/sign.js';
import { pauseEnd } from '../explain/advice.js';
import { span } from '../times.js';
import { clockOf } from './clocks.js';
import { causeOf, type Finding, ok, problem, warning } from './finding.js';
import { type Probed, probe } from './probe.js';

export interface ParticipantsLook {
  /** As the coordinator has it, or the store. */
  readonly participants: readonly Participant[];
  /** What `serve` would read here; undefined where it cannot be read. */
  readonly config: Pick<Config, 'allow' | 'signingSecrets'> | undefined;
  readonly clock: Clock;
  readonly chance: Chance;
}

type Instance = Pick<InstanceView, 'id' | 'url' | 'batch' | 'expiresAt' | 'alive'>;
/** `paused` and `health` are known of a coordinator that runs. */
export interface Participant
  extends Pick<ParticipantView, 'name'>,
    Partial<Pick<ParticipantView, 'paused' | 'health'>> {
  readonly instances: readonly Instance[];
}

/** Who is registered, alive, reachable from here, with a clock and a secret that fit. */
export async function lookAtParticipants(look: ParticipantsLook): Promise<readonly Finding[]> {
  const { participants } = look;
  // The coordinator also tells of the origins of plain URLs.
  const named = participants.filter(({ name }) => !name.includes('/'));
  if (named.length === 0) return [ok('participants', 'none is registered')];
  const findings = await Promise.all(participants.map((participant) => lookAtOne(look, participant)));
  return findings.flat();
}

async function lookAtOne(look: ParticipantsLook, participant: Participant): Promise<readonly Finding[]> {
  const { name, instances, paused, health } = participant;
  const alive = instances.filter((instance) => instance.alive);
  const state = [
    ...(paused
      ? [warning('participants', `${name} is paused: it gets no commands`, `${pauseEnd(name)} ends that`)]
      : []),
    ...(health && health.breaker !== 'closed'
      ? [
          warning(
            'participants',
            `${failing(name, health)}: ${health.lastError ?? 'no error is known'}`,
            'see why it does not answer; it is tried again by itself',
          ),
        ]
      : []),
  ];
  if (name.includes('/')) return state;
  if (alive.length === 0) return [...state, gone(look.clock, name, instances)];
  const seen = await Promise.all(alive.map((instance) => lookAtInstance(look, name, instance)));
  return [...state, ...seen.flat()];
}

const failing = (name: string, { held, inFlight }: ParticipantView['health']): string =>
  held + inFlight > 0
    ? `calls to ${name} fail, so few are sent`
    : `the last calls to ${name} failed, and nothing was sent to it since`;

function gone(clock: Clock, name: string, instances: readonly Instance[]): Finding {
  const last = Math.max(...instances.map(({ expiresAt }) => Date.parse(expiresAt)));
  const ago = Number.isFinite(last) ? `; the last one went ${span(clock.now() - last)} ago` : '';
  return warning(
    'participants',
    `${name} has no instance alive${ago}. Its commands wait`,
    'start it, and see that it registers with this coordinator',
  );
}

async function lookAtInstance(look: ParticipantsLook, name: string, instance: Instance): Promise<readonly Finding[]> {
  const { clock, config } = look;
  const who = `${name} at ${instance.url}`;
  const objection = config && allowList(config.allow).check(instance.url);
  const allowed = objection
    ? [
        problem(
          'participants',
          `${who} gets no commands: ${objection}`,
          `add ${originOf(instance.url)} to CONCORDAT_ALLOW`,
        ),
      ]
    : [];
  try {
    const seen = await probe(`${instance.url.replace(/\/$/, '')}/healthz`, clock);
    const reachable = ok('participants', `${who} answers`);
    return [
      ...allowed,
      reachable,
      ...clockOf('participants', who, seen.aheadMs),
      ...(await lookAtSignature(look, who, instance)),
    ];
  } catch (error) {
    return [
      ...allowed,
      problem(
        'participants',
        `${who} says that it is alive, and does not answer from here: ${causeOf(error)}`,
        'see whether its public URL is right, and whether a firewall stands between',
      ),
    ];
  }
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : url);

/** Sends a batch of nothing, signed as commands are: it is turned away before anybody looks that it is empty. */
async function lookAtSignature(
  { config, clock, chance }: ParticipantsLook,
  who: string,
  { url, batch }: Instance,
): Promise<readonly Finding[]> {
  if (!config || !batch) return [];
  const sign = signer(config.signingSecrets);
  const body = JSON.stringify({ commands: [] });
  const id = `doctor-${chance.id()}`;
  const seconds = Math.floor(clock.now() / 1000);
  const signed = sign && {
    [headers.webhookId]: id,
    [headers.webhookTimestamp]: String(seconds),
    [headers.webhookSignature]: sign(id, seconds, body),
  };
  const answer = await probe(`${url.replace(/\/$/, '')}/_batch`, clock, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed },
    body,
  });
  return [signatureOf(who, answer, sign !== undefined)];
}

function signatureOf(who: string, { status, body }: Probed, isSigned: boolean): Finding {
  const { detail } = (body ?? {}) as { readonly detail?: unknown };
  if (status !== 401)
    return ok(
      'participants',
      isSigned ? `${who} takes what this signing secret signed` : `${who} takes commands that are not signed`,
    );
  const text = `${who} refuses ${isSigned ? 'what this signing secret signed' : 'commands that are not signed'}: ${detail ?? 'no reason was given'}`;
  return problem(
    'participants',
    text,
    'give the coordinator and the service the same CONCORDAT_SIGNING_SECRET; while it rotates, both secrets to both',
  );
}
