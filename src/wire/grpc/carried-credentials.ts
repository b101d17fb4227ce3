import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ChannelCredentials } from '@grpc/grpc-js';

/** A private part of grpc-js' credentials, which turns a TCP connection into the stream for HTTP/2. */
interface SecureConnector {
  connect(socket: Socket | Duplex): Promise<unknown>;
  /** Asked before the TCP connection is opened. */
  waitForReady?(): Promise<void>;
}
interface ConnectorMaker {
  _createSecureConnector?(...rest: readonly unknown[]): SecureConnector;
}

/** Gets each connection of a channel before TLS and HTTP/2, and returns the stream for them. A rejection fails it. */
export type Carry = (socket: Socket) => Duplex | Promise<Duplex>;

/**
 * The same credentials, with `carry` for each connection. Undefined when grpc-js has no such private part. No connection
 * is opened when `isOver`: the timer for the pause after a failed attempt goes on in a channel that is closed.
 */
export function carriedCredentials(
  inner: ChannelCredentials,
  carry: Carry,
  isOver: () => boolean,
): ChannelCredentials | undefined {
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
    const waitForReady = async (): Promise<void> => {
      if (isOver()) throw new Error('the channel is closed');
      await connector.waitForReady?.();
    };
    const own = { connect: { value: connect }, waitForReady: { value: waitForReady } };
    return Object.create(connector, own) as SecureConnector;
  };
  return Object.create(inner, { _createSecureConnector: { value: create } }) as ChannelCredentials;
}
