/** What a host reads from an instance of a decorated class. */
import test from 'ava';
import knex, { type Knex } from 'knex';
import { type Branch, Check, Message, Participant, Saga, type Settle, Tcc } from '../../sdk/index.js';
import { definitionOf, odditiesOf } from '../../sdk/participant/declared.js';
import type { Work } from '../../sdk/participant/handler.js';

const input = {} as never;
const tx = {} as never;

/** A knex that is never used. */
const database = (): Knex => knex({ client: 'sqlite3', useNullAsDefault: true, connection: ':memory:' });

class Base {
  readonly db: Knex;
  readonly greeting: string;

  constructor(db: Knex, greeting = 'base') {
    this.db = db;
    this.greeting = greeting;
  }

  @Saga({ compensate: 'undo' })
  async act(_input: string, _tx: Branch): Promise<string> {
    return this.greeting;
  }

  async undo(_input: string, _tx: Settle<string>): Promise<void> {
    this.seen.push(`${this.greeting} undone`);
  }

  readonly seen: string[] = [];
}

@Participant('first', { db: (self: First) => self.db, resourceGroup: 'money' })
class First extends Base {
  @Tcc({ confirm: 'take', cancel: 'release', external: true, runMs: 5000 })
  async hold(_input: string, _tx: Branch): Promise<string> {
    return 'held';
  }

  async take(_input: string, _tx: Settle<string | undefined>): Promise<void> {
    this.seen.push('taken');
  }

  async release(_input: string, _tx: Settle<string | undefined>): Promise<void> {
    this.seen.push('released');
  }

  @Message({ fence: 'none' })
  async tell(_input: string): Promise<void> {
    this.seen.push('told');
  }

  @Check()
  async ended(): Promise<'commit'> {
    return 'commit';
  }
}

@Participant('second')
class Second extends First {
  override async act(): Promise<string> {
    return 'overridden';
  }
}

/** Not a participant itself; its base class is. */
class Third extends First {}

/** As a program without types has it. */
const untypedSaga = Saga as (options: object) => (value: unknown, context: ClassMethodDecoratorContext) => void;

const call = (work: Work | undefined): Promise<unknown> | undefined => work?.(input, tx);

test('handlers and checks with their kinds, fences and methods, those of base classes too', async (t) => {
  const db = database();
  const first = new First(db, 'hello');
  const { name, resourceGroup, handlers, checks, db: declared } = definitionOf(first);
  t.deepEqual([name, resourceGroup, declared], ['first', 'money', db]);
  t.deepEqual(
    [...handlers].map(([handler, { kind, fence, runMs }]) => [handler, kind, fence, runMs]),
    [
      ['act', 'saga', 'database', 60_000],
      ['hold', 'tcc', 'external', 5000],
      ['tell', 'message', 'none', 60_000],
    ],
  );
  t.is(await call(handlers.get('act')?.forward), 'hello');
  for (const [handler, phase] of [
    ['act', 'rollback'],
    ['hold', 'commit'],
    ['hold', 'rollback'],
    ['tell', 'commit'],
  ] as const)
    await call(handlers.get(handler)?.[phase]);
  t.deepEqual(first.seen, ['hello undone', 'taken', 'released', 'told']);
  t.is(await checks.get('ended')?.({ origin: 'o', xid: 'x' }), 'commit');
});

test('two instances are two participants, each with its own database and its own this', async (t) => {
  const [one, other] = [new First(database(), 'one'), new First(database(), 'other')];
  t.not(definitionOf(one).db, definitionOf(other).db);
  t.is(await call(definitionOf(one).handlers.get('act')?.forward), 'one');
  t.is(await call(definitionOf(other).handlers.get('act')?.forward), 'other');
});

test('a subclass is what it says itself, else what its base class says; its methods count', async (t) => {
  const second = definitionOf(new Third(database()));
  t.is(second.name, 'first');
  // Second has no db of its own to say: what it inherits is not a declaration.
  const error = t.throws(() => definitionOf(new Second(database())), { instanceOf: TypeError });
  t.regex(error?.message ?? '', /participant 'second' \(class Second\), handler 'act': expected a database/);
  const overriding = new (class extends Third {
    override async act(): Promise<string> {
      return 'mine';
    }
  })(database());
  t.is(await call(definitionOf(overriding).handlers.get('act')?.forward), 'mine');
});

test('an instance of another class is told what to write', (t) => {
  class Plain {}
  for (const thing of [new Plain(), new Base(database()), {}])
    t.throws(() => definitionOf(thing), { message: /^expected an instance of a class with @Participant\('name'\), / });
});

test('a participant without a method is told so', (t) => {
  @Participant('empty')
  class Empty {}
  t.throws(() => definitionOf(new Empty()), {
    message: "participant 'empty' (class Empty): expected a method with @Saga, @Tcc, @Message or @Check, got none",
  });
});

test('B6 a handler without a database that says no fence is told what to write', (t) => {
  @Participant('nowhere')
  class Nowhere {
    @Saga({ compensate: 'undo' })
    async act(_input: string, _tx: Branch): Promise<void> {
      await Promise.resolve();
    }
    async undo(_input: string, _tx: Settle<void>): Promise<void> {
      await Promise.resolve();
    }
  }
  const error = t.throws(() => definitionOf(new Nowhere()), { instanceOf: TypeError });
  t.regex(
    error?.message ?? '',
    /handler 'act': expected a database .* db: .*also where .*external: true.*fence: 'none'/,
  );
});

test('a db option that answers none is told', (t) => {
  @Participant('forgetful', { db: (self: Forgetful) => self.db })
  class Forgetful extends Base {}
  t.throws(() => definitionOf(new Forgetful(undefined as unknown as Knex)), {
    message: /participant 'forgetful' .*expected its db option to answer a knex instance, got undefined/,
  });
});

test('an undo that is not there is told when the compiler was not asked', (t) => {
  @Participant('untyped', { db: (self: Untyped) => self.db })
  class Untyped extends Base {
    @untypedSaga({ compensate: 'gone' })
    async act2(): Promise<void> {
      await Promise.resolve();
    }
  }
  t.throws(() => definitionOf(new Untyped(database())), {
    message: /participant 'untyped' .*handler 'act2': expected a method 'gone' for its rollback op, got undefined/,
  });
});

test('an undo without a tx parameter is odd: a Remote cannot tell it from a forward method', (t) => {
  @Participant('odd', { db: (self: Odd) => self.db })
  class Odd extends Base {
    @Saga({ compensate: 'leaks' })
    async go(_input: string): Promise<void> {
      await Promise.resolve();
    }
    async leaks(_input: string): Promise<void> {
      await Promise.resolve();
    }
  }
  t.deepEqual(odditiesOf(new First(database())), []);
  const [odd, ...more] = odditiesOf(new Odd(database()));
  t.regex(odd ?? '', /^Odd\.leaks settles 'go' and has no tx parameter/);
  t.deepEqual(more, []);
});

test('a handler that a remote has no method for is odd, with what to do', (t) => {
  @Participant('hidden', { db: (self: Hidden) => self.db })
  class Hidden extends Base {
    @Message()
    async inspect(_input: string, _tx: Branch): Promise<void> {
      await Promise.resolve();
    }
    @Saga({ compensate: 'undo' })
    async finally(_input: string, _tx: Branch): Promise<string> {
      return this.greeting;
    }
  }
  const odd = odditiesOf(new Hidden(database()));
  t.deepEqual(
    odd.map((each) => /^a Remote has no method for the handler '(\w+)', .* client\.call/.exec(each)?.[1]),
    ['inspect', 'finally'],
  );
});

test('a decorator where it cannot stand is told when the class is made', (t) => {
  const any = (decorate: unknown) => decorate as (...args: unknown[]) => void;
  const context = { kind: 'method', name: 'act', static: false, private: false, addInitializer: () => undefined };
  const saga = any(Saga({ compensate: 'undo' }));
  for (const wrong of [{ static: true }, { private: true }, { kind: 'field' }, { name: Symbol('act') }])
    t.throws(() => saga(() => undefined, { ...context, ...wrong }), { message: /^@Saga: expected a public method/ });
  t.throws(() => saga(() => undefined, { ...context, name: '$act' }), {
    message: /^@Saga: expected a method whose name/,
  });
  t.throws(() => saga(class {}, 'act', { value: () => undefined }), { message: /^@Saga: expected a public method/ });
  t.throws(() => Participant('9 lives'), { message: /^@Participant: expected a name .*, got "9 lives"$/ });
  t.notThrows(() => saga({}, 'act', { value: () => undefined }));
});
