import type { Option } from 'commander';
import { agentDefaults } from '../agent/options.js';
import { durationMs, option, portNumber, someText } from './values.js';

export interface ServerFlags {
  readonly proxyServerHost: string;
  readonly proxyServerPort: number;
  readonly keepaliveTime: number;
  readonly syncForever?: boolean;
  readonly healthServerHost: string;
  readonly healthServerPort: number;
}

/** Options of all roles with agents. */
export const agentOptions = {
  proxyServerHost: () =>
    option('--proxy-server-host <host>', 'host of the proxy-server').argParser(someText).default('127.0.0.1'),
  proxyServerPort: () => option('--proxy-server-port <port>', 'its port').argParser(portNumber).default(8091),
  keepaliveTime: () =>
    option('--keepalive-time <duration>', 'idle time before a ping; Go servers cut agents below 30s')
      .argParser(durationMs)
      .default(agentDefaults.keepaliveTimeMs, `${agentDefaults.keepaliveTimeMs / 1000}s`),
  syncForever: () => option('--sync-forever', 'search for servers also when all are found'),
  healthServerHost: () =>
    option('--health-server-host <host>', 'where /healthz listens').default('127.0.0.1'),
  healthServerPort: () =>
    option('--health-server-port <port>', 'its port, 0 for a free one').argParser(portNumber).default(8093),
} as const satisfies Record<string, () => Option>;
