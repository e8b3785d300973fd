import test from 'ava';
import { systemClock } from '../../coordinator/clock.js';
import { readAnswer } from '../../coordinator/dispatch/answer.js';
import { localTransport } from '../../coordinator/dispatch/local.js';
import type { Answer, Transport } from '../../coordinator/dispatch/transport.js';
import { transports } from '../../coordinator/dispatch/transports.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { manualClock } from '../helpers/clock.js';
import { command, httpParticipant, plant, signal, transport } from './participants.js';

const charge = { participant: 'payment', handler: 'charge' };
const json = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' },
  body: Buffer.from(JSON.stringify(body)),
});

type Handler = (command: Command) => Answer | Promise<Answer>;

/** A handler that answers as over HTTP. */
const local = (handler: Handler, clock = systemClock()): Transport => {
  const handle = async (command: Command) => readAnswer(await handler(command), command.body.op, clock.now());
  const find = (participant: string, name: string) =>
    participant === charge.participant && name === charge.handler ? handle : undefined;
  return localTransport({ find }, clock);
};

test('a handler of this process gets the command, and its answer is read as over HTTP', async (t) => {
  const sent = command(charge);
  const http = local((got) => json(200, { got: got.body.xid }));
  t.deepEqual(await http.send(sent), { kind: 'done', output: { got: sent.body.xid } });
  t.deepEqual(await local(async () => json(409, { detail: 'no' })).send(sent), { kind: 'refused', reason: 'no' });
  t.is((await local(() => json(500, {})).send(sent)).kind, 'unknown');
});

test('K1 a handler that throws, or answers nothing, is unknown', async (t) => {
  const failing: Handler[] = [
    () => {
      throw new Error('boom');
    },
    () => Promise.reject(new Error('boom')),
    () => Promise.reject(undefined),
    () => undefined as unknown as Answer,
  ];
  for (const handler of failing) t.is((await local(handler).send(command(charge))).kind, 'unknown');
  t.regex(JSON.stringify(await local(failing[0]!).send(command(charge))), /the handler failed: boom/);
});

test('K3 a handler that does not come back is unknown at the deadline, and what it says later is not heard', async (t) => {
  const clock = manualClock();
  const late = signal<Answer>();
  const pending = local(() => late.came, clock).send(command(charge, {}, { expiresAt: clock.now() + 500 }));
  clock.advance(500);
  t.deepEqual(await pending, { kind: 'unknown', error: 'no answer within 500 ms' });
  late.give(json(200, {}));
  t.is(clock.waiting(), 0);
});

test('G2 a command that has expired does not reach a handler', async (t) => {
  const handler: Handler = () => t.fail() as unknown as Answer;
  const reply = await local(handler).send(command(charge, {}, { expiresAt: Date.now() - 1 }));
  t.deepEqual(reply, { kind: 'unknown', error: 'expired before it was sent', sent: false });
});

test('what nobody here handles is not sent, and says so', async (t) => {
  const here = local(() => json(200, {}));
  for (const target of [
    { participant: 'stock', handler: 'charge' },
    { participant: 'payment', handler: 'refund' },
    { url: 'http://127.0.0.1/' },
  ]) {
    t.regex(JSON.stringify(await here.send(command(target))), /"unknown".*not sent/);
  }
});

test('a URL goes over HTTP and a participant inside the process', async (t) => {
  const url = await httpParticipant(t, (_request, response) => {
    response.setHeader('content-type', 'application/json').end('"http"');
  });
  const both = transports({ http: transport(t), local: local(() => json(200, 'local')), isLocal: () => true });
  t.deepEqual(await both.send(command(url)), { kind: 'done', output: 'http' });
  t.deepEqual(await both.send(command(charge)), { kind: 'done', output: 'local' });
  await both.close();
  t.is((await both.send(command(url))).kind, 'unknown');
});

test.serial('K3 without care, a timeout would be a no', async (t) => {
  plant(t, 'timeout-is-a-no');
  const clock = manualClock();
  const pending = local(() => new Promise(() => undefined), clock).send(
    command(charge, {}, { expiresAt: clock.now() + 500 }),
  );
  clock.advance(500);
  t.is((await pending).kind, 'refused');
});

test.serial('K3 without the total deadline, a handler could take for ever', async (t) => {
  plant(t, 'no-total-deadline');
  const clock = manualClock();
  const late = signal<Answer>();
  const pending = local(() => late.came, clock).send(command(charge, {}, { expiresAt: clock.now() + 500 }));
  clock.advance(5000);
  late.give(json(200, null));
  t.is((await pending).kind, 'done');
});

test.serial('G2 without the check of expiry, an old command would reach a handler', async (t) => {
  plant(t, 'expired-commands-are-sent');
  const sent = command(charge, {}, { expiresAt: Date.now() - 1 });
  t.is((await local(() => json(200, null)).send(sent)).kind, 'done');
});
