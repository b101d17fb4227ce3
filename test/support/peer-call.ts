import { setImmediate as turn } from 'node:timers/promises';
import type { Client, ClientDuplexStream, Metadata, StatusObject } from '@grpc/grpc-js';
import { deferred } from './deferred.js';

/** A bidirectional call of grpc-js, with its answers as promises. */
export class PeerCall<Sent, Got> {
  readonly call: ClientDuplexStream<Sent, Got>;
  /** The initial metadata, as soon as they come. */
  readonly metadata: Promise<Metadata>;
  /** The final status. */
  readonly status: Promise<StatusObject>;
  private readonly client: Client;

  constructor(client: Client, call: ClientDuplexStream<Sent, Got>) {
    this.client = client;
    this.call = call;
    const [metadata, status] = [deferred<Metadata>(), deferred<StatusObject>()];
    this.metadata = metadata.promise;
    this.status = status.promise;
    call.on('error', () => undefined);
    call.on('metadata', metadata.resolve);
    call.on('status', status.resolve);
  }

  async close(): Promise<void> {
    this.call.cancel();
    await this.status;
    // node:http2 does not read while a write leaves. A session that closes then never notices the end of its socket.
    for (let turns = 0; turns < 4; turns += 1) await turn();
    this.client.close();
  }
}
