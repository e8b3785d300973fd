import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ConfigError, loadConfig, settings } from '../../coordinator/config.js';
import { folder } from './processes.js';

const nowhere = '/nonexistent';

test('the last wins: defaults, file, .env, environment, flags', (t) => {
  const directory = folder(t);
  const leaseMs = (sources: object = {}) => loadConfig({ env: {}, directory, ...sources }).leaseMs;
  t.is(leaseMs(), 10_000);
  writeFileSync(join(directory, 'concordat.config.json'), '{"leaseMs": 1001}');
  t.is(leaseMs(), 1001);
  writeFileSync(join(directory, '.env'), 'CONCORDAT_LEASE_MS="1002"\n');
  t.is(leaseMs(), 1002);
  t.is(leaseMs({ env: { CONCORDAT_LEASE_MS: '1003' } }), 1003);
  t.is(leaseMs({ env: { CONCORDAT_LEASE_MS: '1003' }, flags: { leaseMs: '1004' } }), 1004);
  t.is(leaseMs({ env: { CONCORDAT_LEASE_MS: '' } }), 1002);
});

test('without anything said it is the embedded shape on loopback', (t) => {
  t.like(loadConfig({ env: {}, directory: nowhere }), {
    store: { kind: 'sqlite', path: 'concordat.db' },
    queue: { kind: 'memory' },
    listen: { host: '127.0.0.1', port: 8090 },
    apiKeys: [],
    insecure: false,
    allow: [],
    signingSecrets: [],
    retentionMs: null,
    policy: { parkAfterMs: 24 * 3600 * 1000, callMs: 10_000 },
  });
});

test('a wrong value names its setting, what was expected and what came', (t) => {
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [
      { CONCORDAT_LEASE_MS: 'soon' },
      /^leaseMs \(CONCORDAT_LEASE_MS\): expected a whole number from 100 to \d+, got "soon"$/,
    ],
    [{ CONCORDAT_LISTEN: '8090' }, /^listen \(CONCORDAT_LISTEN\): expected host:port .*, got "8090"$/],
    [{ CONCORDAT_LISTEN: '127.0.0.1:70000' }, /^listen .* got "127.0.0.1:70000"$/],
    [
      { CONCORDAT_STORE: 'oracle:x' },
      /^store \(CONCORDAT_STORE\): expected sqlite:PATH, sqlite::memory: or postgres:.*, got "oracle:x"$/,
    ],
    [{ CONCORDAT_STORE: 'postgres://u:pw@h' }, /^store .* got postgres:…, which names no server and database$/],
    [{ CONCORDAT_STORE: 'mysql://u:pw@h/d' }, /^store .* got mysql:…, which comes with a later version$/],
    [{ CONCORDAT_QUEUE: 'redis://:pw@h' }, /^queue .* got redis:…, which comes with a later version$/],
    [{ CONCORDAT_API_KEYS: 'a:admin:pw,b:king:pw' }, /^apiKeys .*, got something else as key 2$/],
    [
      { CONCORDAT_API_KEYS: 'a:client/pay ment:pw' },
      /^apiKeys .* name:role\/participant\/…:key .*, got something else as key 1$/,
    ],
    [{ CONCORDAT_API_KEYS: 'a:client/:pw' }, /^apiKeys .*, got something else as key 1$/],
    [{ CONCORDAT_API_KEYS: 'a:admin:pw,a:viewer:pw2' }, /^apiKeys: expected each name once, got "a" twice$/],
    [
      { CONCORDAT_API_KEYS_FILE: '/nonexistent/keys' },
      /^apiKeysFile .*, got "\/nonexistent\/keys", which is not there$/,
    ],
    [{ CONCORDAT_LOG_LEVEL: 'loud' }, /^logLevel .*expected one of silent, error, warn, info, debug, got "loud"$/],
    [{ CONCORDAT_INSECURE: 'maybe' }, /^insecure .*expected true or false, got "maybe"$/],
  ];
  for (const [env, message] of cases) {
    const error = t.throws(() => loadConfig({ env, directory: nowhere }), { instanceOf: ConfigError, message });
    t.notRegex(error?.message ?? '', /pw/);
  }
});

test('a key names the participants that it registers, or none for any', (t) => {
  const { apiKeys } = loadConfig({
    env: { CONCORDAT_API_KEYS: 'a:admin:k1, b:client/pay/mail:k:2' },
    directory: nowhere,
  });
  t.deepEqual(apiKeys, [
    { name: 'a', role: 'admin', participants: undefined, key: 'k1' },
    { name: 'b', role: 'client', participants: ['pay', 'mail'], key: 'k:2' },
  ]);
});

test('the config file is strict, and holds no secrets', (t) => {
  const directory = folder(t);
  const load = (text: string) => {
    writeFileSync(join(directory, 'concordat.config.json'), text);
    return loadConfig({ env: {}, directory });
  };
  t.deepEqual(load('{"allow": ["http://a.example", "http://b.example"]}').allow, [
    'http://a.example',
    'http://b.example',
  ]);
  t.throws(() => load('{"lease": 1}'), { message: /concordat\.config\.json: expected one of store, .*, got "lease"$/ });
  t.throws(() => load('{"leaseMs": "x"}'), {
    message: /^leaseMs \(leaseMs in .*concordat\.config\.json\): expected a whole number/,
  });
  t.throws(() => load('{"apiKeys": "a:admin:k"}'), {
    message: /apiKeys is a secret: expected it in CONCORDAT_API_KEYS or in a file/,
  });
  t.throws(() => load('[]'), { message: /expected an object of settings/ });
  t.throws(() => load('{'), { message: /expected JSON/ });
});

test('each setting has a variable of its own, and no secret has a flag', (t) => {
  const all: readonly { env: string; flag: string | undefined; secret?: true }[] = Object.values(settings);
  t.is(new Set(all.map(({ env }) => env)).size, all.length);
  for (const { env, flag, secret } of all) {
    t.regex(env, /^CONCORDAT_[A-Z_]+$/);
    if (secret) t.is(flag, undefined, env);
  }
});
