import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../coordinator/clock.js';
import { Streams } from '../../coordinator/http/streams.js';
import { plant } from '../contracts/disk.js';
import { manualClock } from '../helpers/clock.js';
import { openStream } from './reading.js';

/** A server that answers everything with a stream. */
async function serveStreams(t: ExecutionContext, streams: Streams): Promise<string> {
  const server = createServer((_, response) => void streams.open(response, { 'x-which': String(streams.size) }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const megabyte = Buffer.alloc(1024 * 1024, `:${'x'.repeat(1021)}\n\n`);
/** More than any system buffers for a reader on loopback that does not read. */
const megabytesMax = 24;

/** Writes to a reader that does not read, and to one that does; how many megabytes the first was given. */
async function givenToSlow(t: ExecutionContext): Promise<number> {
  const streams = new Streams(systemClock(), { bytesMax: 100_000 });
  const lines: ReturnType<Streams['open']>[] = [];
  const open = streams.open.bind(streams);
  streams.open = (...how) => {
    const line = open(...how);
    lines.push(line);
    return line;
  };
  const url = await serveStreams(t, streams);
  const slow = await openStream(t, url);
  slow.pause();
  const quick = await openStream(t, url);
  const [toSlow, toQuick] = lines as [(typeof lines)[0], (typeof lines)[0]];
  let given = 0;
  for (; toSlow.isOpen && given < megabytesMax; given++) {
    toSlow.write(megabyte);
    toQuick.write(megabyte);
    await toQuick.drained();
  }
  toQuick.write('id: end\n\n');
  while (quick.lastId() !== 'end') await new Promise((resolve) => setImmediate(resolve));
  t.true(toQuick.isOpen, 'the others go on');
  return given;
}

test('a reader that does not keep up is cut off, and the others go on', async (t) => {
  t.true((await givenToSlow(t)) < megabytesMax);
});

test.serial('planted stream-without-bound: the test above sees it', async (t) => {
  plant(t, 'stream-without-bound');
  t.is(await givenToSlow(t), megabytesMax);
});

test('a stream shows every fifteen seconds that it is alive, and one that nobody reads ends', async (t) => {
  const clock = manualClock();
  const streams = new Streams(clock);
  const url = await serveStreams(t, streams);
  const reading = await openStream(t, url);
  for (const beats of [1, 2]) {
    clock.advance(15_000);
    while (reading.text().split(':\n\n').length <= beats) await new Promise((resolve) => setImmediate(resolve));
  }
  t.is(reading.text(), 'retry: 1000\n\n:\n\n:\n\n');
  streams.close();
  await reading.ended;
  t.is(streams.size, 0);
});
