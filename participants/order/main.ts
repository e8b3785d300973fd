#!/usr/bin/env node
import { openDatabase } from '../database.js';
import { run } from '../run.js';
import { OrderService } from './order.js';
import { prepareOrder } from './tables.js';

await run(
  {
    name: 'order',
    listen: '127.0.0.1:8091',
    flags: {},
    open: async (file) => {
      const db = openDatabase(file);
      await prepareOrder(db);
      return { service: new OrderService(db), db };
    },
  },
  process.argv.slice(2),
  process.env,
);
