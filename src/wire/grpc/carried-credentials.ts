import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ChannelCredentials } from '@grpc/grpc-js';

/** A private part of grpc-js' credentials, which turns a TCP connection into the stream for HTTP/2. */
interface SecureConnector {
  connect(socket: Socket | Duplex): Promise<unknown>;
}
interface ConnectorMaker {
  _createSecureConnector?(...rest: readonly unknown[]): SecureConnector;
}

/** Gets each connection of a channel before TLS and HTTP/2, and returns the stream for them. A rejection fails it. */
export type Carry = (socket: Socket) => Duplex | Promise<Duplex>;

/** The same credentials, with `carry` for each connection. Undefined when grpc-js has no such private part. */
export function carriedCredentials(inner: ChannelCredentials, carry: Carry): ChannelCredentials | undefined {
  const maker = inner as unknown as ConnectorMaker;
  if (typeof maker._createSecureConnector !== 'function') return undefined;
  const create = (...rest: readonly unknown[]): SecureConnector | undefined => {
    const connector = maker._createSecureConnector?.(...rest);
    if (connector === undefined) return undefined;
    const connect = (socket: Socket): Promise<unknown> => {
      const carried = carry(socket);
      return carried instanceof Promise
        ? carried.then((stream) => connector.connect(stream))
        : connector.connect(carried);
    };
    return Object.create(connector, { connect: { value: connect } }) as SecureConnector;
  };
  return Object.create(inner, { _createSecureConnector: { value: create } }) as ChannelCredentials;
}
