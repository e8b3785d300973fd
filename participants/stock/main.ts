#!/usr/bin/env node
import { openDatabase } from '../database.js';
import { run } from '../run.js';
import { readSeed } from '../seed.js';
import { StockService } from './stock.js';
import { prepareStock } from './tables.js';

await run(
  {
    name: 'stock',
    listen: '127.0.0.1:8093',
    flags: { skus: { variable: 'STOCK_SKUS', help: 'tea=100,cup=5       quantities received' } },
    open: async (file, flag) => {
      const skus = readSeed('skus', flag('skus'));
      const db = openDatabase(file);
      await prepareStock(db, { skus });
      return { service: new StockService(db), db };
    },
  },
  process.argv.slice(2),
  process.env,
);
