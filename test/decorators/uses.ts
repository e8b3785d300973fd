/** Right and wrong uses of the decorators and of remotes. A line that the compiler must object to says so at its end. */
export const uses = `
import { type Branch, type Client, GlobalTransaction, Check, Message, Participant, type Remote, Saga, type Settle, Tcc } from 'concordat';
import type { Knex } from 'knex';

interface Charge { readonly amount: number }
interface Receipt { readonly id: string }

@Participant('payment', { db: (s: PaymentService) => s.db, resourceGroup: 'money' })
export class PaymentService {
  readonly db: Knex;
  constructor(db: Knex) { this.db = db; }

  @Saga({ compensate: 'refund' })
  async charge(input: Charge, _tx: Branch): Promise<Receipt> { return { id: String(input.amount) }; }
  async refund(_input: Charge, _tx: Settle<Receipt>): Promise<void> {}

  @Saga({ compensate: 'refund' })
  async chargeWithoutTx(input: Charge): Promise<Receipt> { return { id: String(input.amount) }; }

  @Saga({ compensate: 'cancelTransfer', external: true, runMs: 1000 })
  async transfer(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
  async cancelTransfer(_input: Charge, _tx: Settle<Receipt | undefined>): Promise<void> {}

  @Tcc({ confirm: 'take', cancel: 'release', fence: 'none' })
  async reserve(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
  async take(_input: Charge, _tx: Settle<Receipt>): Promise<void> {}
  async release(_input: Charge, _tx: Settle<Receipt>): Promise<void> {}

  @Message()
  async mail(_input: Charge, _tx: Branch): Promise<void> {}

  @Check()
  async ended(_tx: { readonly xid: string }): Promise<'commit' | 'rollback'> { return 'commit'; }
}

export class Wrong {
  @Saga({ compensate: 'refnud' }) // wrong
  async a(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
  async refund(_input: Charge, _tx: Settle<Receipt>): Promise<void> {}

  @Saga({ compensate: 'otherInput' }) // wrong
  async b(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
  async otherInput(_input: { readonly other: string }, _tx: Settle<Receipt>): Promise<void> {}

  @Saga({ compensate: 'otherOutput' }) // wrong
  async c(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
  async otherOutput(_input: Charge, _tx: Settle<{ readonly other: string }>): Promise<void> {}

  @Saga({ compensate: 'hidden' }) // wrong
  async d(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
  private async hidden(_input: Charge, _tx: Settle<Receipt>): Promise<void> {}

  @Saga({ compensate: 'refund', external: true }) // wrong
  async e(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }

  @Tcc({ confirm: 'refund', cancel: 'otherOutput' }) // wrong
  async f(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }

  @Saga({ compensate: 'refund', fence: 'never' }) // wrong
  async g(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }

  @Saga({ compensate: 'refund' }) // wrong
  h(_input: Charge, _tx: Branch): Receipt { return { id: '1' }; }

  @Message() // wrong
  async i(_input: Charge, _tx: Branch): Promise<number> { return 1; }

  @Check() // wrong
  async j(): Promise<string> { return 'maybe'; }

  @Saga({}) // wrong
  async k(_input: Charge, _tx: Branch): Promise<Receipt> { return { id: '1' }; }
}

@Participant('wrong', { db: (s: WrongDb) => s.file }) // wrong
export class WrongDb { readonly file = 'a.db'; }

@Participant('other', { db: (s: PaymentService) => s.db }) // wrong
export class Other { readonly db2 = 1; }

export class Checkout {
  constructor(readonly payment: Remote<PaymentService>, readonly client: Client) {}

  @GlobalTransaction({ name: 'checkout', timeoutMs: 30_000, businessKey: (charge: Charge) => String(charge.amount), via: (self: Checkout) => self.client })
  async place(charge: Charge, _more: string): Promise<string> {
    const receipt: Receipt = await this.payment.charge(charge);
    await this.payment.reserve(charge);
    await this.payment.mail(charge);
    return receipt.id;
  }

  @GlobalTransaction()
  async plain(): Promise<number> { return 1; }

  @GlobalTransaction({ propagation: 'requires' }) // wrong
  async x(): Promise<number> { return 1; }

  @GlobalTransaction({ name: 'n' }) // wrong
  sync(): number { return 1; }

  @GlobalTransaction({ businessKey: (charge: Charge) => String(charge.amount) }) // wrong
  async y(_other: string): Promise<number> { return 1; }

  @GlobalTransaction({ via: (self: PaymentService) => self as unknown as Client }) // wrong
  async z(): Promise<number> { return 1; }

  async misuse(): Promise<void> {
    await this.payment.charge({ amount: 'much' }); // wrong
    await this.payment.refund({ amount: 1 }); // wrong
    await this.payment.take({ amount: 1 }); // wrong
    await this.payment.chrage({ amount: 1 }); // wrong
    const { other } = await this.payment.charge({ amount: 1 }); // wrong
    await this.payment.charge({ amount: 1 }, undefined); // wrong
    this.payment.db('x'); // wrong
    void other;
  }
}

interface Foreign { greet(input: { readonly name: string }): Promise<string>; now(): Promise<number> }
export async function foreign(client: Client): Promise<string> {
  const remote = client.remote<Foreign>('foreign');
  const n: number = await remote.now();
  await remote.greet({ nam: 'x' }); // wrong
  return (await remote.greet({ name: 'x' })) + n;
}
`;
