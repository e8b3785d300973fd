import { GlobalTransaction, type Remote } from 'concordat';
import type { Cart, OrderService } from './order.js';
import type { PaymentService } from './payment.js';
import type { StockService } from './stock.js';

/** Places orders. It has no database: all that it needs to know is with the coordinator. */
export class Checkout {
  readonly order: Remote<OrderService>;
  readonly stock: Remote<StockService>;
  readonly payment: Remote<PaymentService>;

  constructor(order: Remote<OrderService>, stock: Remote<StockService>, payment: Remote<PaymentService>) {
    this.order = order;
    this.stock = stock;
    this.payment = payment;
  }

  /**
   * All of it, or none: when it returns, everything is committed; when an error leaves it, whatever was done is undone. Each
   * call goes through the coordinator, so it does not matter who is killed in the middle.
   *
   * By default it returns as soon as the decision is durable. `wait: 'final'` waits until all have carried it out as well.
   */
  @GlobalTransaction({ name: 'checkout', timeoutMs: 30_000, wait: 'final' })
  async place(cart: Cart): Promise<number> {
    const { customer, sku, quantity, totalCents } = cart;
    const { orderId } = await this.order.create(cart);
    await this.stock.reserve({ sku, quantity });
    await this.payment.charge({ customer, amountCents: totalCents });
    return orderId;
  }
}
