import { readFileSync } from 'node:fs';
import { isLoopback } from '../../config/values.js';
import { type Config, ConfigError } from '../../config.js';
import { allowList } from '../../dispatch/allow.js';
import { signer } from '../../dispatch/sign.js';
import { configFor, type OnStore } from '../store-path.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** Node, and the settings as `concordat serve` would read them here. The configuration is undefined where it cannot be read. */
export function lookAtConfiguration(options: OnStore): {
  readonly findings: readonly Finding[];
  readonly config: Config | undefined;
} {
  const findings = [lookAtNode(process.versions.node)];
  try {
    const config = configFor(options);
    allowList(config.allow);
    signer(config.signingSecrets);
    return { findings: [...findings, ...judged(config)], config };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const text = error instanceof ConfigError ? error.message : `allow-list or signing secret: ${error.message}`;
    return {
      findings: [
        ...findings,
        problem('configuration', text, 'mend that setting: "concordat serve" does not start with it'),
      ],
      config: undefined,
    };
  }
}

/** `engines` of the package is a minimum. */
export function lookAtNode(version: string): Finding {
  const { engines } = JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  const needed = engines.node.replace(/^>=/, '');
  const [have, need] = [version, needed].map((text) => text.split('.').map(Number));
  const at = [0, 1, 2].find((part) => (have?.[part] ?? 0) !== (need?.[part] ?? 0)) ?? 0;
  return (have?.[at] ?? 0) >= (need?.[at] ?? 0)
    ? ok('program', `Node ${version}`)
    : problem('program', `Node ${version} is too old`, `install Node ${needed} or newer`);
}

function judged({ listen, apiKeys, insecure, signingSecrets, allow }: Config): readonly Finding[] {
  const isOpen = !isLoopback(listen.host) && apiKeys.length === 0;
  const address = `${listen.host}:${listen.port}`;
  return [
    isOpen && insecure
      ? warning(
          'configuration',
          `listens on ${address} without API keys: whoever reaches it may do everything`,
          'set CONCORDAT_API_KEYS or --api-keys-file, and leave out --insecure',
        )
      : ok(
          'configuration',
          `listens on ${address}, ${apiKeys.length === 0 ? 'without API keys, for this machine only' : `${apiKeys.length} API keys`}`,
        ),
    ...(signingSecrets.length === 0 && allow.length > 0
      ? [
          warning(
            'configuration',
            'commands go to other machines unsigned',
            'set CONCORDAT_SIGNING_SECRET here and in the services: a host without one takes commands from anybody',
          ),
        ]
      : []),
    ok('queue', 'in the memory of the coordinator: nothing to reach, and what it loses is sent again from the log'),
  ];
}
