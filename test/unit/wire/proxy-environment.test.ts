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
    [{ HTTPS_PROXY: 'http://a b' }, 'invalid'],
    [{ HTTPS_PROXY: 'http://%zz@proxy' }, 'invalid'],
    [{}, undefined],
  ])('%j', (env, expected) => {
    expect(proxyFor(env, 'server.example', 8091)).toEqual(expected);
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
    ['', 'localhost', false],
    ['', '127.0.0.9', false],
    ['', '::1', false],
  ])('with NO_PROXY=%j is used for %s: %s', (no, host, expected) => {
    expect(proxied(no, host)).toBe(expected);
  });
});
