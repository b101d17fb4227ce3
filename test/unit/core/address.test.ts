import { describe, expect, it } from 'vitest';
import { destinationHost, joinHostPort, splitHostPort } from '../../../src/core/address.js';

describe('splitHostPort', () => {
  it.each([
    ['10.0.0.1:10250', { host: '10.0.0.1', port: 10_250 }],
    ['[fd00::1]:443', { host: 'fd00::1', port: 443 }],
    ['node-1:0', { host: 'node-1', port: 0 }],
    ['node-1:65535', { host: 'node-1', port: 65_535 }],
  ])('takes %s apart', (address, parts) => {
    expect(splitHostPort(address)).toEqual(parts);
    expect(joinHostPort(parts.host, parts.port)).toBe(address);
  });

  it.each([
    '',
    'host',
    ':80',
    'host:',
    'host:65536',
    'host:-1',
    'fd00::1:80',
    '[fd00::1]',
    'a:b:80',
    '[]:80',
    'h:1x',
  ])('refuses %j', (address) => {
    expect(splitHostPort(address)).toBeUndefined();
  });
});

describe('destinationHost, as the destHost strategy sees an address', () => {
  it.each([
    ['10.0.0.1:10250', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['node-1:443', 'node-1'],
    [':80', ''],
    ['', ''],
    ['[fd00::1]:443', 'fd00::1'],
    ['[fd00::1]', 'fd00::1'],
    ['fd00::1', 'fd00::1'],
    ['[fd00::1]:http', '[fd00::1]:http'],
  ])('of %j is %j', (address, host) => {
    expect(destinationHost(address)).toBe(host);
  });
});
