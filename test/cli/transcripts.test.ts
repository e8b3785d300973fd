/** What docs/cli.md shows of commands is what they print. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { connect } from '../../sdk/index.js';
import { told } from '../examples/transcript.js';
import { root } from '../tidy/sources.js';
import { folder, run, startServe } from './processes.js';

/** A payment service that takes money and does not give it back. */
async function startPayment(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    if (!request.url?.endsWith('/compensate'))
      return response
        .writeHead(request.url?.startsWith('/ship') ? 409 : 200, { 'content-type': 'application/problem+json' })
        .end('{"detail":"no lorry"}');
    response.writeHead(409, { 'content-type': 'application/problem+json' });
    return response.end('{"detail":"the card is closed"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const different: readonly (readonly [RegExp, string])[] = [
  [/\b\d+(?:\.\d+)? (?:bytes|KiB|MiB|GiB|TiB)/g, '<size>'],
  [/\/\S*?(?=\/concordat\.db\b)|(?<=free in )\S+/g, '<path>'],
  [/Node [\d.]+/g, 'Node <version>'],
  [/process \d+/g, 'process <pid>'],
  [/schema \d+/g, 'schema <schema>'],
  [/the oldest for .*/g, 'the oldest for <span>'],
  [/\((?:in )?(?:less than a second|\d+ \w+(?: \d+ \w+)?)(?: ago)?\)/g, '(<span>)'],
];

/** A slow disk is a warning, and no matter here. */
const ofTheMachine = /reaches the disk|every commit waits|nothing to mend|\d+ to look at/;

const plain = (text: string): string =>
  different
    .reduce((rest, [pattern, word]) => rest.replace(pattern, word), told(text))
    .split('\n')
    .filter((line) => !ofTheMachine.test(line))
    .join('\n')
    .trimEnd();

/** The commands of a page with what they print. */
const shown = (page: string) =>
  [...page.matchAll(/```console\n\$ concordat (.*)\n([\s\S]*?)```/g)].map(([, command = '', text = '']) => ({
    command,
    text,
  }));

test('docs/cli.md shows what the commands print', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, ['--store', 'sqlite:concordat.db'], { directory });
  const client = connect({ url: first.listening });
  t.teardown(() => client.close());
  const service = await startPayment(t);
  const steps = [
    { id: 'pay', kind: 'saga' as const, url: `${service}/pay` },
    { id: 'ship', kind: 'saga' as const, url: `${service}/ship` },
  ];
  await client.submit({ name: 'checkout', xid: 'order-1042', steps });
  t.is((await client.wait('order-1042')).status, 'parked');
  const transcripts = shown(readFileSync(`${root}docs/cli.md`, 'utf8'));
  t.true(transcripts.length >= 4);
  const words = (command: string): readonly string[] =>
    [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
  for (const { command, text } of transcripts) {
    const { out, err } = await run(words(command), { directory, env: { CONCORDAT_URL: first.listening } });
    t.is(plain(out + err), plain(text), command);
  }
});
