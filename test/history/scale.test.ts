/** A million transactions are checked within a minute: so each record has some microseconds, and twice as many take twice as long. */
import path from 'node:path';
import test from 'ava';
import { temporary } from '../helpers/temporary.js';
import { checkFile, HistoryWriter } from './file.js';
import { synthesize } from './synthetic.js';

const small = 15_000;
/** Of CPU, on a machine that does other things at the same time; alone it is a quarter of that. */
const perRecordUs = 30;

test('twice the records take twice the time, and each takes some microseconds', async (t) => {
  t.timeout(240_000);
  const directory = await temporary(t);
  const measure = (transactions: number, round: number) => {
    const file = path.join(directory, `${transactions}-${round}.jsonl`);
    const writer = new HistoryWriter(file);
    synthesize({ transactions, seed: transactions + round, kind: 'saga', atOnce: 64 }, (record) =>
      writer.write(record),
    );
    writer.close();
    const before = process.cpuUsage();
    const { violationsTotal, records, transactions: seen } = checkFile(file);
    const { user, system } = process.cpuUsage(before);
    t.is(violationsTotal, 0);
    t.is(seen, transactions);
    return { us: user + system, records };
  };
  // The first run is the compiler's.
  measure(small / 3, 0);
  const one = measure(small, 1);
  const two = measure(2 * small, 1);
  const perRecord = two.us / two.records;
  const growth = two.us / one.us / (two.records / one.records);
  t.log(
    `${two.records} records of ${2 * small} transactions: ${perRecord.toFixed(1)} µs each, growth ${growth.toFixed(2)}`,
  );
  t.true(perRecord < perRecordUs, `expected less than ${perRecordUs} µs a record, got ${perRecord.toFixed(1)}`);
  t.true(
    growth < 1.3,
    `expected twice the records in at most 2.6 times the time, got ${(2 * growth).toFixed(2)} times`,
  );
});
