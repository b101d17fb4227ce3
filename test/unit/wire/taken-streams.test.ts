import { type ChannelCredentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { carriedCredentials } from '../../../src/wire/grpc/carried-credentials.js';
import { takeClientStream, takeServerStream } from '../../../src/wire/grpc/taken-streams.js';
import { TunnelChannel } from '../../../src/wire/grpc/tunnel-channel.js';
import {
  agentServiceDefinition,
  type TunnelCall,
  type TunnelClientCall,
} from '../../../src/wire/grpc/tunnel-service.js';
import { soon } from '../../support/waits.js';

let server: Server;
let channel: TunnelChannel;
let call: TunnelClientCall;
let received: Promise<TunnelCall>;

beforeEach(async () => {
  server = new Server();
  received = soon((resolve) => {
    server.addService(agentServiceDefinition(), { Connect: (taken: TunnelCall) => resolve(taken) });
  }, 'call');
  const port = await soon<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number): void => (error ? reject(error) : resolve(bound));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
  }, 'port');
  channel = new TunnelChannel({ address: `127.0.0.1:${port}`, eager: true });
  call = channel.open('Connect', new Metadata());
  call.on('error', () => undefined);
});

afterEach(() => {
  call.cancel();
  channel.close();
  server.forceShutdown();
});

describe('what grpc-js keeps private', () => {
  it('is there: the HTTP/2 streams of a call, at both ends', async () => {
    const serverCall = await received;
    const ours = takeServerStream(serverCall);
    const taken = soon<ReturnType<typeof takeClientStream>>((resolve) => {
      call.on('metadata', () => resolve(takeClientStream(call)));
    }, 'metadata');
    serverCall.sendMetadata(new Metadata());
    const theirs = await taken;
    const bytes = soon<Buffer>((resolve) => theirs?.on('data', resolve), 'bytes');
    ours?.write('past grpc-js');
    expect((await bytes).toString()).toBe('past grpc-js');
  });

  it('may be removed without harm', () => {
    expect(takeServerStream({} as TunnelCall)).toBeUndefined();
    expect(takeClientStream({} as TunnelClientCall)).toBeUndefined();
    expect(
      carriedCredentials(
        {} as ChannelCredentials,
        (socket) => socket,
        () => false,
      ),
    ).toBeUndefined();
  });
});
