import { type ChannelCredentials, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { offerProtocols, watchServerSessions } from '../../../src/wire/grpc/grpc-internals.js';

const ignore = (): void => undefined;

describe('the private parts of grpc-js', () => {
  it('are there: sessions of a server with an injector, and a client’s ALPN protocols', () => {
    const server = new Server();
    expect(watchServerSessions(server, ignore)).toBe(false);
    server.createConnectionInjector(ServerCredentials.createInsecure());
    expect(watchServerSessions(server, ignore)).toBe(true);
    server.forceShutdown();
    expect(offerProtocols(credentials.createSsl(), ['x', 'h2'])).toBe(true);
  });

  it('may be removed without harm', () => {
    expect(watchServerSessions({} as Server, ignore)).toBe(false);
    expect(offerProtocols({} as ChannelCredentials, ['x', 'h2'])).toBe(false);
  });
});
