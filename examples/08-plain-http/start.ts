#!/usr/bin/env node
/** One service as this process: `node start.js payment payment.db`. Says where it listens, and stops on SIGTERM. */
import { payment } from './payment.js';
import { startService } from './service.js';
import { stock } from './stock.js';

const [name, db = `${name}.db`] = process.argv.slice(2);
const definition = [payment, stock].find((each) => each.name === name);
if (definition) {
  const service = await startService(definition, { db, secret: process.env.SIGNING_SECRET });
  process.stdout.write(`${JSON.stringify({ listening: service.url })}\n`);
  process.once('SIGTERM', () => void service.stop());
} else {
  process.stderr.write(`expected the name of a service, payment or stock; got ${name ?? 'nothing'}\n`);
  process.exitCode = 2;
}
