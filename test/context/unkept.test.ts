/** A call that parks before anything is decided. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { RolledBack, Uncertain } from '../../sdk/index.js';
import { startBank } from './bank.js';

test('a call whose outcome the coordinator cannot keep is Uncertain, and whoever swallows that commits nothing', async (t) => {
  const { client, settled } = await startBank(t);
  const undone: string[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url?.endsWith('/compensate')) undone.push(String(request.headers['concordat-branch']));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify('x'.repeat(1_000_000)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/big`;
  let failed: unknown;
  const error = await t.throwsAsync(
    client.run('hoard', async () => {
      // One transaction keeps 16 MiB of outputs; what does not fit parks.
      while (!failed)
        failed = await client.call({ kind: 'saga', url }, {}).then(
          () => undefined,
          (thrown) => thrown,
        );
      return 'swallowed';
    }),
    { instanceOf: RolledBack },
  );
  t.true(failed instanceof Uncertain, String(failed));
  t.regex((failed as Error).message, /parked: .*16777216 bytes/);
  t.is(await settled((error as RolledBack).xid), 'rolled_back');
  t.is(undone.length, 17);
});
