import { describe, expect, it } from 'vitest';
import { parseServerFlags } from '../../../src/dropin/server/parse-server-flags.js';
import { failure } from './support.js';

const socket = ['--uds-name=/s', '--server-port=0'];
const here = new URL(import.meta.url).pathname;

function fault(...argv: string[]): string {
  const { code, message, where } = failure(parseServerFlags(argv, {}));
  expect([code, where]).toEqual(['CONFIG_INVALID', 'proxy-server']);
  return message.replace('failed to validate server options with ', '');
}

describe('a proxy-server refuses, in the words of Konnectivity,', () => {
  it('its own defaults: TCP needs a CA', () => {
    expect(failure(parseServerFlags([], {})).message).toBe(
      'failed to validate server options with server ca cert must be set when in TCP mode (uds-name is empty)',
    );
  });

  it.each([
    [['--server-key=/no'], 'error checking server key /no, got stat /no: no such file or directory'],
    [['--server-cert=/no'], 'error checking server cert /no, got stat /no: no such file or directory'],
    [['--server-ca-cert=/no'], 'error checking server CA cert /no, got stat /no: no such file or directory'],
    [['--cluster-key=/no'], 'error checking cluster key /no, got stat /no: no such file or directory'],
    [['--cluster-cert=/no'], 'error checking cluster cert /no, got stat /no: no such file or directory'],
    [
      ['--cluster-ca-cert=/no'],
      'error checking cluster CA cert /no, got stat /no: no such file or directory',
    ],
    [[`--server-key=${here}`], `cannot have server cert empty when server key is set to "${here}"`],
    [[`--server-cert=${here}`], `cannot have server key empty when server cert is set to "${here}"`],
    [[`--cluster-key=${here}`], `cannot have cluster cert empty when cluster key is set to "${here}"`],
    [[`--cluster-cert=${here}`], `cannot have cluster key empty when cluster cert is set to "${here}"`],
    [['--mode=udp'], `mode must be set to either 'grpc' or 'http-connect' not "udp"`],
    [['--uds-name=/s'], 'server port should be set to 0 not 8090 for UDS'],
    [[...socket, `--server-key=${here}`, `--server-cert=${here}`], 'server key should not be set for UDS'],
    [[...socket, `--server-ca-cert=${here}`], 'server ca cert should not be set for UDS'],
    [[`--server-ca-cert=${here}`, '--server-port=80'], reserved(80, 'server')],
    [[`--server-ca-cert=${here}`, '--server-port=49152'], ephemeral(49152, 'server')],
    [[...socket, '--agent-port=1023'], reserved(1023, 'agent')],
    [[...socket, '--agent-port=50000'], ephemeral(50000, 'agent')],
    [[...socket, '--admin-port=0'], reserved(0, 'admin')],
    [[...socket, '--admin-port=99999'], ephemeral(99999, 'admin')],
    [[...socket, '--health-port=-1'], reserved(-1, 'health')],
    [[...socket, '--health-port=49152'], ephemeral(49152, 'health')],
    [
      [...socket, '--enable-contention-profiling'],
      'if --enable-contention-profiling is set, --enable-profiling must also be set',
    ],
    [
      [...socket, '--agent-namespace=a', `--cluster-ca-cert=${here}`],
      '--cluster-ca-cert can not be used when agent authentication is enabled',
    ],
    [
      [...socket, '--agent-service-account=a'],
      '--agent-namespace cannot be empty when agent authentication is enabled',
    ],
    [
      [...socket, '--agent-namespace=a'],
      '--agent-service-account cannot be empty when agent authentication is enabled',
    ],
    [
      [...socket, '--agent-namespace=a', '--agent-service-account=b'],
      '--authentication-audience cannot be empty when agent authentication is enabled',
    ],
    [
      [...socket, '--kubeconfig=/no'],
      'checking KubeconfigPath "/no", got stat /no: no such file or directory',
    ],
    [[...socket, '--proxy-strategies='], 'ProxyStrategies cannot be empty'],
    [[...socket, '--proxy-strategies=,'], 'invalid proxy strategies: proxy strategies cannot be empty'],
    [
      [...socket, '--proxy-strategies=destHost,destCIDR'],
      'invalid proxy strategies: unknown proxy strategy: destCIDR',
    ],
    [[...socket, '--xfr-channel-size=0'], 'channel size 0 must be greater than 0'],
    [
      [...socket, '--frontend-write-channel-size=-1'],
      'frontend write channel size -1 must be greater than or equal to 0',
    ],
    [
      [...socket, '--tls-min-version=TLS1.2'],
      'unsupported TLS version "TLS1.2", supported values are: VersionTLS10, VersionTLS11, VersionTLS12, VersionTLS13',
    ],
    [
      [...socket, '--cipher-suites=TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA'],
      "cipher suite TLS_RSA_WITH_AES_128_CBC_SHA not supported, doesn't exist or considered as insecure",
    ],
    [[...socket, '--enable-lease-controller', '--lease-label='], 'empty string provided'],
    [[...socket, '--enable-lease-controller', '--lease-label=a'], 'invalid label format: a'],
    [[...socket, '--graceful-shutdown-timeout=-1s'], 'graceful-shutdown-timeout must be >= 0, got -1s'],
    [[...socket, '--backend-dial-timeout=-90s'], 'backend-dial-timeout must be >= 0, got -1m30s'],
  ])('%j', (argv, text) => {
    expect(fault(...argv)).toBe(text);
  });

  it('a wrong value, before other checks', () => {
    const { code, message } = failure(parseServerFlags(['--server-count=many', '--mode=udp'], {}));
    expect(code).toBe('USAGE');
    expect(message).toBe(
      'invalid argument "many" for "--server-count" flag: strconv.ParseInt: parsing "many": invalid syntax',
    );
  });
});

describe('a proxy-server accepts', () => {
  it.each([
    [[...socket, '--lease-label=a']],
    [[...socket, '--frontend-write-channel-size=0']],
    [[...socket, '--agent-port=1024', '--health-port=49151']],
    [[...socket, '--enable-profiling', '--enable-contention-profiling']],
  ])('%j', (argv) => {
    expect(parseServerFlags(argv, {}).kind).toBe('run');
  });
});

function reserved(port: number, name: string): string {
  return `please do not try to use reserved port ${port} for the ${name} port`;
}

function ephemeral(port: number, name: string): string {
  return `please do not try to use ephemeral port ${port} for the ${name} port`;
}
