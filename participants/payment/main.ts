#!/usr/bin/env node
import { run } from '../run.js';
import { readSeed } from '../seed.js';
import { startPayment } from './payment.js';

await run(
  {
    name: 'payment',
    listen: '127.0.0.1:8092',
    flags: {
      accounts: { variable: 'PAYMENT_ACCOUNTS', help: 'ann=10000,bob=0   opening balances in cents' },
      closed: { variable: 'PAYMENT_CLOSED', help: 'ann,bob             customers whose account is closed' },
    },
    start: (options, flag) =>
      startPayment({
        ...options,
        accounts: readSeed('accounts', flag('accounts')),
        closed: flag('closed').split(',').filter(Boolean),
      }),
  },
  process.argv.slice(2),
  process.env,
);
