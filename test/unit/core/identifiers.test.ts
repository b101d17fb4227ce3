import { describe, expect, it } from 'vitest';
import {
  noIdentifiers,
  parseAgentIdentifiers,
  unknownIdentifierType,
} from '../../../src/core/identifiers.js';

describe('parseAgentIdentifiers', () => {
  it('reads every type, several times, in order', () => {
    const text = 'host=node1&ipv4=1.2.3.4&ipv4=5.6.7.8&ipv6=100::&cidr=10.0.0.0/8&default-route=true';
    expect(parseAgentIdentifiers(text)).toEqual({
      host: ['node1'],
      ipv4: ['1.2.3.4', '5.6.7.8'],
      ipv6: ['100::'],
      cidr: ['10.0.0.0/8'],
      defaultRoute: true,
    });
  });

  it.each(['', '&', '&&', 'uid=x', 'color=red', '__proto__=x'])(
    'finds nothing in %j and does not mind',
    (text) => {
      expect(parseAgentIdentifiers(text)).toEqual(noIdentifiers);
    },
  );

  it.each(['1', 't', 'T', 'true', 'TRUE', 'True'])('takes default-route=%s for true', (value) => {
    expect(parseAgentIdentifiers(`default-route=${value}`)).toMatchObject({ defaultRoute: true });
  });

  it.each([
    'default-route=yes',
    'default-route',
    'default-route=false&default-route=true',
    'default-route=tRUE',
  ])('takes %s for false: only the first counts, and only Go’s words', (text) => {
    expect(parseAgentIdentifiers(text)).toMatchObject({ defaultRoute: false });
  });

  it.each([
    ['host=a%20b+c', 'a b c'],
    ['h%6Fst=n%C3%B6de', 'nöde'],
    ['host=x%ffy', 'x\ufffdy'],
    ['host=a=b', 'a=b'],
    ['host', ''],
  ])('unescapes %s as a URL query', (text, host) => {
    expect(parseAgentIdentifiers(text)).toMatchObject({ host: [host] });
  });

  it.each([
    ['ipv4=1.2.3.4;host=x', 'invalid semicolon separator in query'],
    ['host=%zz9', 'invalid URL escape "%zz"'],
    ['host=100%', 'invalid URL escape "%"'],
    ['host=ok&h%4=x', 'invalid URL escape "%4="'],
  ])('refuses %s with Go’s words', (text, words) => {
    expect(parseAgentIdentifiers(text)).toEqual({ fault: `fail to parse url encoded string: ${words}` });
  });
});

describe('unknownIdentifierType', () => {
  it('names the first type that an agent refuses on its command line', () => {
    expect(unknownIdentifierType('host=a&ipv4=1.1.1.1&ipv6=::&cidr=x&default-route=1')).toBeUndefined();
    expect(unknownIdentifierType('')).toBeUndefined();
    expect(unknownIdentifierType('host=a&mac=b&zone=c')).toBe('mac');
  });
});
