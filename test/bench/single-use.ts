import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { joinHostPort } from '../../src/core/address.js';
import { closeRequest, dataPacket, dialId, dialRequest, type Packet } from '../../src/core/packet.js';
import { MessageReader } from '../../src/wire/codec/message-reader.js';
import { PacketBatch } from '../../src/wire/codec/packet-batch.js';

/** Whom to dial by whom; `address` is `unix:///path`. */
export interface SingleUse {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Sent at once; as many bytes less one must come back. */
  readonly data: Uint8Array;
}

const requestHeaders = {
  ':method': 'POST',
  ':path': '/ProxyService/Proxy',
  'content-type': 'application/grpc',
  te: 'trailers',
};

let dialled = 0n;

/**
 * One dial as kube-apiserver's: an HTTP/2 connection of its own with one Proxy stream, some bytes there and back, and
 * the close of both. It has nothing of grpc-js, so that the client costs less than what is measured.
 */
export function exchangeOnce(options: SingleUse): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = options.address.slice('unix://'.length);
    const session = connectHttp2('http://localhost', { createConnection: () => connectTcp(path) });
    session.on('error', reject);
    const stream = session.request(requestHeaders);
    stream.on('error', reject);
    stream.once('close', () => reject(new Error('the stream ended')));
    const end = (): void => {
      resolve();
      session.close();
    };
    converse({ session, stream, options, end });
  });
}

interface Conversation {
  readonly session: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
  readonly options: SingleUse;
  readonly end: () => void;
}

function converse({ session, stream, options, end }: Conversation): void {
  const { host, port, data } = options;
  let missing = data.length - 1;
  const send = (packet: Packet): void => {
    const batch = new PacketBatch();
    batch.add(packet);
    for (const slice of batch.slices) stream.write(slice);
  };
  const reader = new MessageReader((packet) => {
    if (packet.kind === 'DIAL_RSP' && packet.error !== '') session.destroy(new Error(packet.error));
    else if (packet.kind === 'DIAL_RSP') send(dataPacket(packet.connectId, data));
    else if (packet.kind === 'DATA') {
      missing -= packet.data.length;
      if (missing <= 0) send(closeRequest(packet.connectId));
    } else if (packet.kind === 'CLOSE_RSP') {
      stream.end();
      end();
    }
  });
  stream.on('data', (bytes: Buffer) => reader.feed(bytes));
  dialled += 1n;
  send(dialRequest(joinHostPort(host, port), dialId(dialled)));
}
