import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { Packet } from '../../src/core/packet.js';
import { decodePacket, encodeToBuffer } from '../../src/wire/codec/codec.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { PeerCall } from './peer-call.js';
import { packetText } from './recording-port.js';

export interface RawCallOptions {
  readonly address: string;
  readonly path: '/ProxyService/Proxy' | '/AgentService/Connect';
  readonly tls?: TlsFiles;
  readonly metadata?: readonly (readonly [string, string])[];
}

const same = (bytes: Buffer): Buffer => bytes;

/** A gRPC call whose messages are the bytes that the test says: a peer that may break every rule. */
export class RawCall extends PeerCall<Buffer, Buffer> {
  /** Texts of the packets received. */
  readonly received: string[] = [];

  constructor({ address, path, tls, metadata = [] }: RawCallOptions) {
    const secure = (files: TlsFiles) =>
      credentials.createSsl(Buffer.from(files.ca), Buffer.from(files.key), Buffer.from(files.cert), {
        checkServerIdentity: () => undefined,
      });
    const client = new Client(address, tls === undefined ? credentials.createInsecure() : secure(tls), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.default_authority': 'localhost',
    });
    const sent = new Metadata();
    for (const [key, value] of metadata) sent.add(key, value);
    super(client, client.makeBidiStreamRequest(path, same, same, sent, {}));
    this.call.on('data', (bytes: Buffer) => this.received.push(packetText(decodePacket(bytes))));
  }

  send(packet: Packet): void {
    this.call.write(encodeToBuffer(packet));
  }
}
