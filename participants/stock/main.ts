#!/usr/bin/env node
import { run } from '../run.js';
import { readSeed } from '../seed.js';
import { startStock } from './stock.js';

await run(
  {
    name: 'stock',
    listen: '127.0.0.1:8093',
    flags: { skus: { variable: 'STOCK_SKUS', help: 'tea=100,cup=5       quantities received' } },
    start: (options, flag) => startStock({ ...options, skus: readSeed('skus', flag('skus')) }),
  },
  process.argv.slice(2),
  process.env,
);
