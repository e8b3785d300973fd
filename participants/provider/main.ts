#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { readSeed } from '../seed.js';
import { startProvider } from './provider.js';

const help = `A payment provider to practise with: it charges in its own SQLite file, once for each Idempotency-Key.

  --listen host:port   where it listens (127.0.0.1:8094; port 0 takes a free one)
  --db path            its SQLite database (provider.db)
  --accounts ann=10000,bob=0   opening balances in cents
  --slow-ms N          every answer takes so long (0)
  --lose-every N       every N-th answer is lost after the money moved (never)
  --settle-ms N        a charge goes through only so long after it was asked for (0)
`;

const text = { type: 'string' } as const;

try {
  const { values } = parseArgs({
    options: {
      listen: text,
      db: text,
      accounts: text,
      'slow-ms': text,
      'lose-every': text,
      'settle-ms': text,
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
  } else {
    const number = (name: 'slow-ms' | 'lose-every' | 'settle-ms'): number => {
      const value = Number(values[name] ?? 0);
      if (Number.isInteger(value) && value >= 0) return value;
      throw new Error(`--${name}: expected a whole number from 0, got ${values[name]}`);
    };
    const { listen = '127.0.0.1:8094', db = 'provider.db', accounts = '' } = values;
    const provider = await startProvider({
      listen,
      db,
      accounts: readSeed('accounts', accounts),
      slowMs: number('slow-ms'),
      loseEvery: number('lose-every'),
      settleMs: number('settle-ms'),
    });
    process.stdout.write(`${JSON.stringify({ listening: provider.url, service: 'provider', db })}\n`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void provider.stop());
  }
} catch (error) {
  process.stderr.write(`provider: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
