/** The ways that one address can be written in a URL or in an answer of DNS. */

const octetsOf = (address: string): readonly [number, number, number, number] =>
  address.split('.').map(Number) as [number, number, number, number];

const numberOf = (address: string): number => octetsOf(address).reduce((sum, octet) => sum * 256 + octet, 0);

const hex = (value: number, digits = 0): string => value.toString(16).padStart(digits, '0');
const octal = (value: number): string => `0${value.toString(8)}`;

/** An address in two groups of IPv6. */
const groupsOf = (address: string): string => {
  const [a, b, c, d] = octetsOf(address);
  return `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
};

const shifted = (text: string, zero: number): string =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));

/** Spellings of an IPv4 address as a host of a URL, by name. All of them mean the same to the WHATWG parser. */
export function spellings4(address: string): Readonly<Record<string, string>> {
  const [a, b, c, d] = octetsOf(address);
  const whole = numberOf(address);
  return {
    dotted: address,
    decimal: String(whole),
    hex: `0x${hex(whole)}`,
    'upper-case hex': `0X${hex(whole).toUpperCase()}`,
    'padded hex': `0x${hex(whole, 16)}`,
    octal: octal(whole),
    'padded octal': `000000${octal(whole)}`,
    'dotted hex': [a, b, c, d].map((part) => `0x${hex(part)}`).join('.'),
    'dotted octal': [a, b, c, d].map(octal).join('.'),
    'padded dotted octal': [a, b, c, d].map((part) => `0000${octal(part)}`).join('.'),
    mixed: `${a}.0x${hex(b)}.${octal(c)}.${d}`,
    'in two parts': `${a}.${(b * 256 + c) * 256 + d}`,
    'in three parts': `${a}.${b}.${c * 256 + d}`,
    'in two parts of hex': `0x${hex(a)}.0x${hex((b * 256 + c) * 256 + d)}`,
    'with a final dot': `${address}.`,
    'full-width digits': shifted(address, 0xff10),
    'mathematical digits': shifted(address, 0x1d7ce),
    'full-width dots': address.replaceAll('.', '．'),
    'ideographic dots': address.replaceAll('.', '。'),
    'half-width ideographic dots': address.replaceAll('.', '｡'),
    'percent-encoded': [...address].map((char) => `%${hex(char.charCodeAt(0), 2)}`).join(''),
    'percent-encoded dots': address.replaceAll('.', '%2e'),
    'percent-encoded full-width digits': encodeURIComponent(shifted(address, 0xff10)),
    'with a soft hyphen': `${address.slice(0, 1)}\u00ad${address.slice(1)}`,
    'with a tab': `${address.slice(0, 2)}\t${address.slice(2)}`,
    'with line breaks': `${address.slice(0, 2)}\r\n${address.slice(2)}`,
    'after user information': `127.0.0.1@${address}`,
    'after escaped user information': `127.0.0.1%40x:y@${address}`,
  };
}

/** Forms of IPv6 that hold an IPv4 address, by name. */
export function wraps6(address: string): Readonly<Record<string, string>> {
  const groups = groupsOf(address);
  const inverted = octetsOf(address).map((octet) => octet ^ 0xff);
  const [a = 0, b = 0, c = 0, d = 0] = inverted;
  const [first, second] = groups.split(':');
  return {
    mapped: `::ffff:${address}`,
    'mapped in hex': `::ffff:${groups}`,
    'mapped in full': `0000:0000:0000:0000:0000:ffff:${groups}`,
    'mapped in upper case': `::FFFF:${groups.toUpperCase()}`,
    compatible: `::${address}`,
    translated: `::ffff:0:${address}`,
    NAT64: `64:ff9b::${address}`,
    'NAT64 in hex': `64:ff9b::${groups}`,
    'local NAT64': `64:ff9b:1::${address}`,
    'local NAT64 of 48 bits': `64:ff9b:1:${first}:${hex(Number.parseInt(second ?? '0', 16) >> 8)}:0:0:0`,
    '6to4': `2002:${groups}::1`,
    Teredo: `2001::53aa:64c:0:7877:${hex(a * 256 + b)}:${hex(c * 256 + d)}`,
    'Teredo server': `2001:0:${groups}::1`,
  };
}

/** IPv4 addresses that are nobody's participant by default. */
export const foreign4 = [
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  '10.0.0.5',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '0.0.0.0',
  '192.0.0.192',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
] as const;

/** Of those, what no name may lead to, with what the machine would take for itself. */
export const forbidden4 = [
  '127.0.0.1',
  '127.0.0.2',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '169.254.170.2',
  '169.254.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
] as const;

/** IPv6 addresses that no name may lead to and that hold no IPv4. */
export const forbidden6 = [
  '::',
  '::1',
  '0:0:0:0:0:0:0:1',
  'fe80::1',
  'fe80::1%eth0',
  'fe80::a9fe:a9fe%1',
  'febf::1',
  'fec0::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'ff02::1',
  'ff05::1:3',
  '100::1',
] as const;

/** Addresses that a name may lead to: public ones, and private networks, where participants live. */
export const fine = [
  '10.0.0.5',
  '172.31.255.1',
  '192.168.1.1',
  '100.64.0.1',
  '198.18.0.1',
  '8.8.8.8',
  '93.184.216.34',
  '223.255.255.254',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '169.255.0.0',
  '192.0.1.1',
  '2600:1f00::1',
  '2a00:1450:4001::200e',
  'fd12:3456:789a::1',
  'fc00::1',
  '::ffff:10.0.0.5',
  '64:ff9b::808:808',
  '2001:db8::1',
  '2001:4860:4860::8888',
] as const;
