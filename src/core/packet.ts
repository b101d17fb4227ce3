declare const brand: unique symbol;

/** The ID of one dial (`random` in the protocol): 63 bits chosen by the frontend, nearly always above 2^53. */
export type DialId = bigint & { readonly [brand]: 'DialId' };
/** The ID of one connection on one agent stream: an int64 that the agent counts from 1. 0: no connection. */
export type ConnectId = bigint & { readonly [brand]: 'ConnectId' };

export const dialId = (value: bigint): DialId => value as DialId;
export const connectId = (value: bigint): ConnectId => value as ConnectId;
export const noConnection: ConnectId = connectId(0n);

/** The bytes that a packet came in, so that it can be passed on without encoding it again. */
interface Received {
  readonly raw?: Uint8Array;
}

export interface DialRequestPacket extends Received {
  readonly kind: 'DIAL_REQ';
  readonly protocol: string;
  /** `host:port`, IPv6 in brackets. */
  readonly address: string;
  readonly dialId: DialId;
  /** The receive window of the frontend, bytes. Default: it has no flow control (`fc1`). */
  readonly initWindow?: number;
}

export interface DialResponsePacket extends Received {
  readonly kind: 'DIAL_RSP';
  /** Empty means success. */
  readonly error: string;
  readonly connectId: ConnectId;
  readonly dialId: DialId;
  /** The receive window of the agent, bytes. Default: it has no flow control (`fc1`). */
  readonly initWindow?: number;
}

export interface CloseRequestPacket extends Received {
  readonly kind: 'CLOSE_REQ';
  readonly connectId: ConnectId;
}

export interface CloseResponsePacket extends Received {
  readonly kind: 'CLOSE_RSP';
  readonly error: string;
  readonly connectId: ConnectId;
}

export interface DataPacket extends Received {
  readonly kind: 'DATA';
  readonly connectId: ConnectId;
  readonly data: Uint8Array;
  /** The same payload in the pieces that it came in. `data` joins them, with a copy, when it is read. */
  readonly pieces?: readonly Uint8Array[];
}

export interface DialClosePacket extends Received {
  readonly kind: 'DIAL_CLS';
  readonly dialId: DialId;
}

export interface DrainPacket extends Received {
  readonly kind: 'DRAIN';
}

/** The sender of this packet has taken `credit` payload bytes, and as many more may be sent to it. */
export interface WindowUpdatePacket extends Received {
  readonly kind: 'WINDOW_UPDATE';
  readonly connectId: ConnectId;
  readonly credit: number;
}

/** Connections that the sender of this packet holds open (`ids1`). */
export interface HeldPacket extends Received {
  readonly kind: 'HELD';
  readonly connectIds: readonly ConnectId[];
}

/** A type that this version does not know. Every part ignores it. */
export interface UnknownPacket extends Received {
  readonly kind: 'UNKNOWN';
  readonly type: number;
}

export type Packet =
  | DialRequestPacket
  | DialResponsePacket
  | CloseRequestPacket
  | CloseResponsePacket
  | DataPacket
  | DialClosePacket
  | DrainPacket
  | WindowUpdatePacket
  | HeldPacket
  | UnknownPacket;

export type PacketKind = Packet['kind'];
export type PacketOf<K extends PacketKind> = Extract<Packet, { kind: K }>;

/** One handler for each packet kind. A missing one does not compile. */
export type PacketHandlers<Context, Result> = {
  readonly [K in PacketKind]: (context: Context, packet: PacketOf<K>) => Result;
};

export function dispatch<Context, Result>(
  handlers: PacketHandlers<Context, Result>,
  context: Context,
  packet: Packet,
): Result {
  const handler = handlers[packet.kind] as (context: Context, packet: Packet) => Result;
  return handler(context, packet);
}

/** `initWindow`, bytes: 0 asks for no flow control. */
export const dialRequest = (address: string, id: DialId, initWindow = 0): DialRequestPacket => ({
  kind: 'DIAL_REQ',
  protocol: 'tcp',
  address,
  dialId: id,
  ...windowOf(initWindow),
});

/** `initWindow`, bytes: 0 is no flow control. */
export const dialSuccess = (id: DialId, connection: ConnectId, initWindow = 0): DialResponsePacket => ({
  kind: 'DIAL_RSP',
  error: '',
  connectId: connection,
  dialId: id,
  ...windowOf(initWindow),
});

/** The packet for a peer without flow control (R27). It loses unknown fields, too. */
export function withoutWindow<P extends DialRequestPacket | DialResponsePacket>(packet: P): P {
  if (packet.initWindow === undefined) return packet;
  const { initWindow: _own, raw: _bytes, ...plain } = packet;
  return plain as P;
}

export const windowOf = (initWindow: number): { readonly initWindow?: number } =>
  initWindow === 0 ? {} : { initWindow };

export const dialFailure = (id: DialId, error: string): DialResponsePacket => ({
  kind: 'DIAL_RSP',
  error,
  connectId: noConnection,
  dialId: id,
});

export const closeRequest = (connection: ConnectId): CloseRequestPacket => ({
  kind: 'CLOSE_REQ',
  connectId: connection,
});

export const closeResponse = (connection: ConnectId, error = ''): CloseResponsePacket => ({
  kind: 'CLOSE_RSP',
  error,
  connectId: connection,
});

/** How an end answers what names a connection that it does not know (R17). */
export const unrecognizedText = 'unrecognized connectID';

export const dataPacket = (connection: ConnectId, data: Uint8Array): DataPacket => ({
  kind: 'DATA',
  connectId: connection,
  data,
});

/** Sends bytes of a connection in packets of at most `maxDataBytes`, which share the memory of `bytes`. */
export function sendData(connectId: ConnectId, bytes: Uint8Array, send: (packet: DataPacket) => void): void {
  for (let start = 0; start < bytes.length; start += maxDataBytes) {
    send(dataPacket(connectId, bytes.subarray(start, start + maxDataBytes)));
  }
}

/** The payload in its pieces, without a copy. */
export const payloadPieces = (packet: DataPacket): readonly Uint8Array[] => packet.pieces ?? [packet.data];

export function payloadBytes(packet: DataPacket): number {
  if (packet.pieces === undefined) return packet.data.length;
  let bytes = 0;
  for (const piece of packet.pieces) bytes += piece.length;
  return bytes;
}

export const dialClose = (id: DialId): DialClosePacket => ({ kind: 'DIAL_CLS', dialId: id });
export const drainPacket: DrainPacket = { kind: 'DRAIN' };

export const windowUpdate = (connection: ConnectId, credit: number): WindowUpdatePacket => ({
  kind: 'WINDOW_UPDATE',
  connectId: connection,
  credit,
});

/** The most IDs of one HELD: a receiver may have an answer for each. */
export const maxHeldIds = 1000;

export const heldPacket = (connectIds: readonly ConnectId[]): HeldPacket => ({ kind: 'HELD', connectIds });

/** The largest payload of one DATA packet, bytes. It is well below gRPC's message limit of 4 MiB. */
export const maxDataBytes = 64 * 1024;
