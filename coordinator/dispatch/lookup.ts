/**
 * Where a name may lead. The allow-list says which names commands go to; DNS says where those are, and whoever answers
 * for a name could point it at the coordinator's own machine or at the cloud's metadata. So the addresses are checked,
 * and the connection goes to one of those that were checked: a second look-up could say something else.
 */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { planted } from '#faults';
import { isLoopbackHost } from './allow.js';

/** Asks for all addresses of a name, as `lookup` of `node:dns` does. */
export type Resolve = (
  name: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Looks names up for `net.connect`. Fails when one of a name's addresses is none that it may lead to. */
export function checkedLookup(resolve: Resolve = lookup): LookupFunction {
  return (name, options, callback) => {
    const all: LookupAllOptions = { ...options, all: true };
    const give = (addresses: LookupAddress[]): void => {
      const [first] = addresses;
      if (options.all) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family);
    };
    resolve(name, all, (error, addresses) => {
      const refusal = error ?? objectionTo(name, addresses);
      if (refusal) callback(refusal, '');
      else if (planted('dns-not-pinned')) resolve(name, all, (_error, unchecked) => give(unchecked));
      else give(addresses);
    });
  };
}

function objectionTo(name: string, addresses: readonly LookupAddress[]): Error | undefined {
  if (addresses.length === 0) return new Error(`${name} has no address`);
  if (planted('names-lead-anywhere')) return undefined;
  const isLocal = isLoopbackHost(name.toLowerCase().replace(/\.$/, ''));
  const wrong = addresses.find(({ address }) => (isLocal ? !isIn(loopback, address) : mayNotLeadTo(address)));
  if (!wrong) return undefined;
  const expected = isLocal ? 'expected a loopback address' : 'expected addresses that a name may lead to';
  return new Error(`${name} leads to ${wrong.address}: ${expected} (docs/participants.md)`);
}

const mayNotLeadTo = (address: string): boolean => isIP(address) === 0 || isIn(forbidden, address);

const isIn = (list: BlockList, address: string): boolean =>
  isIP(address) !== 0 && list.check(plainOf(address), isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Without the zone of a link-local address. */
const plainOf = (address: string): string => address.replace(/%.*$/, '');

/** IPv4 within IPv6 as a machine (which `BlockList` unwraps by itself) and as a network's translator reads it. */
const wraps = ['::ffff:', '64:ff9b::'];

function listOf(subnets4: readonly string[], subnets6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets4) {
    const [start = '', bits] = subnet.split('/');
    list.addSubnet(start, Number(bits), 'ipv4');
    for (const wrap of wraps) list.addSubnet(wrap + start, 96 + Number(bits), 'ipv6');
  }
  for (const subnet of subnets6) {
    const [start = '', bits] = subnet.split('/');
    list.addSubnet(start, Number(bits), 'ipv6');
  }
  return list;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Private networks are none of these: that is where participants live. */
const forbidden = listOf(
  [
    '0.0.0.0/8', // this machine, to most systems
    '127.0.0.0/8',
    '169.254.0.0/16', // link-local, and the metadata of most clouds
    '100.100.100.200/32', // metadata: Alibaba
    '168.63.129.16/32', // metadata: Azure
    '192.0.0.0/24', // of protocols; metadata: Oracle
    '224.0.0.0/4', // multicast
    '240.0.0.0/4', // reserved, and broadcast
  ],
  [
    '::/96', // unspecified, loopback, and IPv4 written in the oldest way
    '::ffff:0:0:0/96', // translated IPv4
    '64:ff9b:1::/48', // IPv4 behind a local translator
    '100::/64', // discarded
    '2001::/32', // IPv4 in Teredo
    '2002::/16', // IPv4 in 6to4
    'fd00:ec2::/32', // metadata: AWS
    'fd20:ce::254/128', // metadata: Google
    'fe80::/10', // link-local
    'fec0::/10', // link-local as it once was
    'ff00::/8', // multicast
  ],
);
