import { planted } from '#faults';
import type { Clock } from './clock.js';
import { Rejected } from './command.js';
import type { CoordinatorTime } from './coordinator-time.js';
import { type Destination, destinations, otherKind } from './destinations.js';
import type { Hosted } from './host.js';
import type { HostLog } from './log.js';
import { type Header, readCommand, readObject } from './reading.js';
import { invalid, type Signed, verifySignature } from './signature.js';
import { answerOf, refusalOf, type WireAnswer } from './wire.js';

type JsonObject = ReturnType<typeof readObject>;

export interface CourierParts {
  readonly hosted: Hosted;
  /** Of the signing secrets; none: commands need no signature. */
  readonly keys: readonly Buffer[];
  readonly clock: Clock;
  readonly time: CoordinatorTime;
  readonly log: HostLog;
}

/** Takes commands from whatever carries them to the host, and their answers back. */
export interface Courier {
  /** By path without a leading slash. */
  destinationOf(path: string): Destination | undefined;
  /** Throws `Rejected` when nobody signed it who may. Returns the id that was signed. */
  verify(header: Header, body: Uint8Array): string | undefined;
  /** A request that is one command. Never rejects. */
  one(to: Destination, header: Header, body: Uint8Array): Promise<WireAnswer>;
  /** One command of a request whose signature was looked at. Never rejects. */
  carry(to: Destination | undefined, path: string, header: Header, read: () => JsonObject): Promise<WireAnswer>;
}

export function createCourier({ hosted, keys, clock, time, log }: CourierParts): Courier {
  const byPath = destinations(hosted.definitions);
  const webhook = (header: Header, body: Uint8Array): Signed => ({
    id: header('webhook-id'),
    timestamp: header('webhook-timestamp'),
    signature: header('webhook-signature'),
    body,
  });

  function verify(header: Header, body: Uint8Array): string | undefined {
    const signed = webhook(header, body);
    if (keys.length > 0 && !planted('take-any-signature')) verifySignature(signed, keys, clock.now());
    return signed.id;
  }

  async function carry(
    to: Destination | undefined,
    path: string,
    header: Header,
    read: () => JsonObject,
  ): Promise<WireAnswer> {
    try {
      if (!to) throw otherKind(hosted.definitions, path) ?? unknownPath(path, byPath);
      return answerOf(await hosted.execute(readCommand(to, header, read(), time)));
    } catch (error) {
      if (!(error instanceof Rejected))
        log.error({ ...whereOf(to, header), error: wordsOf(error) }, 'a command failed');
      return refusalOf(error);
    }
  }

  return {
    destinationOf: (path) => byPath.get(path),
    verify,
    carry,
    one: (to, header, body) =>
      carry(to, '', header, () => {
        const id = verify(header, body);
        // The headers are not signed themselves: only this ties them to the signature.
        if (keys.length > 0 && id !== commandId(to, header) && !planted('headers-untied'))
          throw invalid('webhook-id: expected origin-xid-branch-op of this command, got the id of another');
        return readObject('body', body);
      }),
  };
}

const commandId = ({ op }: Destination, header: Header): string =>
  `${header('concordat-origin')}-${header('concordat-xid')}-${header('concordat-branch')}-${op}`;

function unknownPath(path: string, known: ReadonlyMap<string, unknown>): Rejected {
  const some = [...known.keys()].slice(0, 10).join(', ');
  const got = JSON.stringify(path.slice(0, 200));
  return new Rejected(404, 'route_not_found', `expected the path of a handler's op such as ${some}; got ${got}`);
}

const whereOf = (to: Destination | undefined, header: Header) => ({
  ...to,
  xid: header('concordat-xid'),
  branch: header('concordat-branch'),
  attempt: header('concordat-attempt'),
});

const wordsOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
