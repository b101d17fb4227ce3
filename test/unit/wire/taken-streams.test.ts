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

let server: Server;
let channel: TunnelChannel;
let call: TunnelClientCall;
let received: Promise<TunnelCall>;

beforeEach(async () => {
  server = new Server();
  received = new Promise((resolve) => {
    server.addService(agentServiceDefinition(), { Connect: (taken: TunnelCall) => resolve(taken) });
  });
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number): void => (error ? reject(error) : resolve(bound));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
  });
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
    const taken = new Promise<ReturnType<typeof takeClientStream>>((resolve) => {
      call.on('metadata', () => resolve(takeClientStream(call)));
    });
    serverCall.sendMetadata(new Metadata());
    const theirs = await taken;
    const bytes = new Promise<Buffer>((resolve) => theirs?.on('data', resolve));
    ours?.write('past grpc-js');
    expect((await bytes).toString()).toBe('past grpc-js');
  });

  it('may be removed without harm', () => {
    expect(takeServerStream({} as TunnelCall)).toBeUndefined();
    expect(takeClientStream({} as TunnelClientCall)).toBeUndefined();
    expect(carriedCredentials({} as ChannelCredentials, (socket) => socket)).toBeUndefined();
  });
});
