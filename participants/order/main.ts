#!/usr/bin/env node
import { run } from '../run.js';
import { startOrder } from './order.js';

await run(
  { name: 'order', listen: '127.0.0.1:8091', flags: {}, start: (options) => startOrder(options) },
  process.argv.slice(2),
  process.env,
);
