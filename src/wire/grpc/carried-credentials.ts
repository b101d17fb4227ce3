import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ChannelCredentials } from '@grpc/grpc-js';

/** What grpc-js keeps private of its credentials: who makes of a TCP connection what HTTP/2 runs over. */
interface SecureConnector {
  connect(socket: Socket | Duplex): Promise<unknown>;
}
interface ConnectorMaker {
  _createSecureConnector?(...rest: readonly unknown[]): SecureConnector;
}

/** Gets each connection of a channel before TLS and HTTP/2 do, and says what they run over. */
export type Carry = (socket: Socket) => Socket | Duplex;

/** The same credentials, whose connections are carried. Returns undefined when grpc-js has no place for it any more. */
export function carriedCredentials(inner: ChannelCredentials, carry: Carry): ChannelCredentials | undefined {
  const maker = inner as unknown as ConnectorMaker;
  if (typeof maker._createSecureConnector !== 'function') return undefined;
  const create = (...rest: readonly unknown[]): SecureConnector | undefined => {
    const connector = maker._createSecureConnector?.(...rest);
    if (connector === undefined) return undefined;
    const connect = (socket: Socket): Promise<unknown> => connector.connect(carry(socket));
    return Object.create(connector, { connect: { value: connect } }) as SecureConnector;
  };
  return Object.create(inner, { _createSecureConnector: { value: create } }) as ChannelCredentials;
}
