import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { EagerSocket } from './eager-socket.js';

/** What grpc-js keeps private of its credentials: who makes of a TCP connection what HTTP/2 runs over. */
interface SecureConnector {
  connect(socket: Socket | Duplex): Promise<unknown>;
}
interface ConnectorMaker {
  _createSecureConnector?(...rest: readonly unknown[]): SecureConnector;
}

/**
 * The same credentials, with an eager socket under each connection of their channel. Returns undefined when grpc-js has
 * no place for it any more.
 */
export function eagerCredentials(inner: ChannelCredentials): ChannelCredentials | undefined {
  const maker = inner as unknown as ConnectorMaker;
  if (typeof maker._createSecureConnector !== 'function') return undefined;
  const create = (...rest: readonly unknown[]): SecureConnector | undefined => {
    const connector = maker._createSecureConnector?.(...rest);
    if (connector === undefined) return undefined;
    const connect = (socket: Socket): Promise<unknown> => connector.connect(new EagerSocket(socket));
    return Object.create(connector, { connect: { value: connect } }) as SecureConnector;
  };
  return Object.create(inner, { _createSecureConnector: { value: create } }) as ChannelCredentials;
}
