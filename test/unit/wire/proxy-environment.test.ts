import { describe, expect, it } from 'vitest';
import { proxyFor } from '../../../src/wire/net/proxy-environment.js';

const proxied = (no: string, host: string, port = 8091): boolean =>
  proxyFor({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: no }, host, port) !== undefined;

describe('the proxy of the environment', () => {
  it.each([
    [{ HTTPS_PROXY: 'http://proxy:3128' }, { address: 'proxy:3128' }],
    [{ https_proxy: 'proxy:3128' }, { address: 'proxy:3128' }],
    [{ HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:1' }, { address: 'upper:1' }],
    [{ HTTPS_PROXY: '', https_proxy: 'http://lower:1/' }, { address: 'lower:1' }],
    [{ HTTPS_PROXY: 'https://proxy' }, { address: 'proxy:443' }],
    [{ HTTPS_PROXY: 'socks5://proxy:80' }, { address: 'proxy:80' }],
    [{ HTTPS_PROXY: 'http://[::1]:3128' }, { address: '[::1]:3128' }],
    [
      { HTTPS_PROXY: 'http://me:a%40b@proxy:3128' },
      { address: 'proxy:3128', authorization: `Basic ${btoa('me:a@b')}` },
    ],
    [{ HTTPS_PROXY: 'me@proxy:3128' }, { address: 'proxy:3128', authorization: `Basic ${btoa('me:')}` }],
    [{ HTTP_PROXY: 'http://proxy:1', ALL_PROXY: 'http://proxy:1' }, undefined],
    [
      { HTTPS_PROXY: 'http://user:p@s:s@proxy:80' },
      { address: 'proxy:80', authorization: `Basic ${btoa('user:p@s:s')}` },
    ],
    [
      { HTTPS_PROXY: 'http://u:p%E4ss%c3%a4@proxy:3128' },
      { address: 'proxy:3128', authorization: `Basic ${btoa('u:p\xe4ss\xc3\xa4')}` },
    ],
    [{ HTTPS_PROXY: 'socks5h://proxy:1080' }, { address: 'proxy:1080' }],
    [{}, undefined],
  ])('%j', (env, expected) => {
    expect(proxyFor(env, 'server.example', 8091)).toEqual(expected);
  });

  it.each([
    ...[
      'http://a b',
      'http://%zz@proxy',
      'http://proxy:',
      'ftp://proxy:21',
      'http:proxy:3128',
      '//proxy:3128',
    ],
    ...['http:///proxy', 'http://proxy:99999', 'http://proxy:3128 '],
    ...['http://u:12/34@proxy:3128', 'http://u:12#34@proxy:3128', 'http://u:12?34@proxy:3128'],
  ])('is invalid: %j', (url) => {
    expect(proxyFor({ HTTPS_PROXY: url }, 'server.example', 8091)).toBe('invalid');
  });

  it('has no part of a password in its address', () => {
    const signs = ['@', '/', '?', '#', ':', '%', ' ', '\\', '^', '[', ']', '\n', '%40', '%zz'];
    for (const scheme of ['', 'http://', 'HTTPS://', 'socks5://'])
      for (const [one, other] of signs.flatMap((sign) => signs.map((each) => [sign, each] as const))) {
        const url = `${scheme}me:12${one}34${other}56@proxy:3128`;
        const proxy = proxyFor({ HTTPS_PROXY: url }, 'server.example', 8091);
        const shown = typeof proxy === 'object' ? proxy.address : 'invalid';
        expect(['proxy:3128', 'invalid'], url).toContain(shown);
      }
  });

  // From the rules of Go's httpproxy.
  it.each([
    ['', 'server.example', true],
    ['*', 'server.example', false],
    ['example', 'server.example', false],
    ['server.example', 'server.example', false],
    ['server.example', 'a.SERVER.example', false],
    ['.example', 'server.example', false],
    ['.server.example', 'server.example', true],
    ['*.server.example', 'a.server.example', false],
    ['*.server.example', 'server.example', true],
    ['ver.example', 'server.example', true],
    ['server.example:8091', 'server.example', false],
    ['server.example:443', 'server.example', true],
    [' other , server.example ', 'server.example', false],
    ['10.0.0.0/8', '10.1.2.3', false],
    ['10.0.0.0/8', '11.1.2.3', true],
    ['10.1.2.3', '10.1.2.3', false],
    ['10.1.2.3:443', '10.1.2.3', true],
    ['fd00::/8', 'fd00::1', false],
    ['[fd00::0:1]:8091', 'fd00::1', false],
    ['fd00:0::1', 'fd00::1', false],
    ['10.0.0.0/33', '10.1.2.3', true],
    [':8091', 'server.example', true],
    ['[fd00::1]', 'fd00::1', true],
    ['.0.5', '10.0.0.5', false],
    ['0.5', '10.0.0.5', false],
    ['10.0.0.5', '::ffff:10.0.0.5', false],
    ['münchen.example', 'münchen.example', false],
    ['münchen.example', 'xn--mnchen-3ya.example', false],
    ['', 'LOCALHOST', true],
    ['', 'localhost', false],
    ['', '127.0.0.9', false],
    ['', '::1', false],
  ])('with NO_PROXY=%j is used for %s: %s', (no, host, expected) => {
    expect(proxied(no, host)).toBe(expected);
  });
});
