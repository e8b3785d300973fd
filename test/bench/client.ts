/** The client process: keeps so many transactions in flight, waiting for each to end. */
import { type Client, connect, Refused } from 'concordat';
import { Pool } from 'undici';
import { carryOut, type Load } from './load.js';
import { answerParent } from './parent.js';
import { inputOf, isRefused, nameOf, participant, planOf, type StepInput, type StepName, statuses } from './work.js';

export interface ClientLoad extends Load {
  readonly coordinatorUrl: string;
  /** Given where steps name it. */
  readonly participantUrl: string | undefined;
  /** `plan`: the coordinator drives. `remote`: this process does, with remote calls. */
  readonly by: 'plan' | 'remote';
}

let pool: Pool | undefined;

async function submit(load: ClientLoad, xid: string): Promise<void> {
  pool ??= new Pool(load.coordinatorUrl, { connections: 256, headersTimeout: 60_000, bodyTimeout: 60_000 });
  const { statusCode, body } = await pool.request({
    path: '/v1/transactions',
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify(planOf(xid, load.variant, load.participantUrl)),
  });
  const text = await body.text();
  const status = statusCode === 201 ? (JSON.parse(text) as { status: string }).status : undefined;
  if (status !== statuses[load.variant]) throw new Error(`${xid}: ${statusCode} ${text.slice(0, 500)}`);
}

type Services = { readonly [Step in StepName]: (input: StepInput) => Promise<unknown> };

let client: Client | undefined;

/** The key of the input is not the xid, which the client draws. */
async function call(load: ClientLoad, key: string): Promise<void> {
  client ??= connect({ url: load.coordinatorUrl });
  const services = client.remote<Services>(participant);
  const inputFor = (step: StepName) => inputOf(key, isRefused(load.variant, step));
  const working = client.run({ name: nameOf(load.variant), wait: 'final' }, async () => {
    await services.order(inputFor('order'));
    await services.payment(inputFor('payment'));
    await services.stock(inputFor('stock'));
  });
  if (load.variant === 'commit') return working;
  const error = await working.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Refused)) throw new Error(`${key}: expected Refused, got ${error}`);
}

answerParent((load: ClientLoad) => carryOut(load, (xid) => (load.by === 'plan' ? submit : call)(load, xid)));
