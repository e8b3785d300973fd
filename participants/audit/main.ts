#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { audit } from './audit.js';
import { everyTransaction } from './told.js';

const help = `Checks the order, payment and stock databases against what the coordinator says of every transaction.

  --coordinator URL    the coordinator (http://127.0.0.1:8090)
  --order path --payment path --stock path   the databases; they are only read
  --provider path      the books of the payment provider, if there is one
  --json               the findings as JSON

Status 0 when every invariant holds, 1 when one does not, 2 for wrong flags or when something cannot be read.
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

try {
  const options = {
    coordinator: text,
    order: text,
    payment: text,
    stock: text,
    provider: text,
    json: flag,
    help: flag,
  };
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(help);
  } else {
    const { order = 'order.db', payment = 'payment.db', stock = 'stock.db', provider } = values;
    const told = await everyTransaction(values.coordinator ?? 'http://127.0.0.1:8090');
    const findings = await audit({ order, payment, stock, provider }, told);
    if (values.json) process.stdout.write(`${JSON.stringify(findings)}\n`);
    else for (const finding of findings) process.stdout.write(`${line(finding)}\n`);
    process.exitCode = findings.every(({ violations }) => violations.length === 0) ? 0 : 1;
  }
} catch (error) {
  process.stderr.write(`audit: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

function line({ invariant, checked, violations }: Awaited<ReturnType<typeof audit>>[number]): string {
  if (violations.length === 0) return `${invariant}: holds (${checked} checked)`;
  return [`${invariant}: BROKEN (${checked} checked)`, ...violations].join('\n  ');
}
