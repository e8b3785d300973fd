#!/usr/bin/env node
import { openDatabase } from '../database.js';
import { run } from '../run.js';
import { readSeed } from '../seed.js';
import { PaymentService } from './payment.js';
import { providerAt } from './provider.js';
import { preparePayment } from './tables.js';

await run(
  {
    name: 'payment',
    listen: '127.0.0.1:8092',
    flags: {
      accounts: { variable: 'PAYMENT_ACCOUNTS', help: 'ann=10000,bob=0   opening balances in cents' },
      closed: { variable: 'PAYMENT_CLOSED', help: 'ann,bob             customers whose account is closed' },
      provider: { variable: 'PAYMENT_PROVIDER', help: 'URL               who carries out transfers' },
    },
    open: async (file, flag) => {
      const accounts = readSeed('accounts', flag('accounts'));
      const provider = flag('provider') === '' ? undefined : providerAt(flag('provider'));
      const db = openDatabase(file);
      await preparePayment(db, { accounts, closed: flag('closed').split(',').filter(Boolean) });
      return { service: new PaymentService(db, provider), db };
    },
  },
  process.argv.slice(2),
  process.env,
);
