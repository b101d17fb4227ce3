export const frameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const frameFlag = { fin: 0x01 } as const;

/** Status codes of RST_STREAM. */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  unsupportedVersion: 4,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamInUse: 8,
  streamAlreadyClosed: 9,
  frameTooLarge: 11,
} as const;

export const goAwayStatus = { ok: 0, protocolError: 1, internalError: 2 } as const;
export const frameHeaderBytes = 8;
const controlBit = 0x8000_0000;
const spdyVersion = 3;

/** The frames of a FrameParser. A DATA frame comes in pieces as its bytes arrive; only the last piece has `fin`. */
export type SpdyFrame =
  | { readonly kind: 'data'; readonly streamId: number; readonly payload: Buffer; readonly fin: boolean }
  | { readonly kind: 'syn-stream'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly kind: 'syn-reply'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly kind: 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly kind: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goaway'; readonly lastStreamId: number; readonly status: number }
  /** SETTINGS and WINDOW_UPDATE. spdystream has no flow control, so they have no meaning. */
  | { readonly kind: 'ignored'; readonly type: number }
  /** The peer broke the framing. No later bytes can be read. */
  | { readonly kind: 'violation'; readonly message: string };

/** The frames whose payload holds a compressed header block. */
export type HeaderFrame = Extract<SpdyFrame, { block: Buffer }>;

export interface FrameHead {
  readonly control: boolean;
  /** Control frames: version and type. Data frames: 0. */
  readonly version: number;
  readonly type: number;
  /** Data frames only. */
  readonly streamId: number;
  readonly flags: number;
  /** Payload bytes. */
  readonly length: number;
}

export function readFrameHead(bytes: Buffer): FrameHead {
  const first = bytes.readUInt32BE(0);
  const control = first >= controlBit;
  return {
    control,
    version: control ? (first >>> 16) & 0x7fff : 0,
    type: control ? first & 0xffff : 0,
    streamId: control ? 0 : first,
    flags: bytes.readUInt8(4),
    length: bytes.readUIntBE(5, 3),
  };
}

export function isSpdy3(head: FrameHead): boolean {
  return head.version === spdyVersion;
}

/** The head of a DATA frame. Its payload follows unchanged. `length` has 24 bits. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.allocUnsafe(frameHeaderBytes);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt8(fin ? frameFlag.fin : 0, 4);
  head.writeUIntBE(length, 5, 3);
  return head;
}

function controlFrame(type: number, flags: number, length: number): Buffer {
  const frame = Buffer.alloc(frameHeaderBytes + length);
  frame.writeUInt16BE(0x8000 | spdyVersion, 0);
  frame.writeUInt16BE(type, 2);
  frame.writeUInt8(flags, 4);
  frame.writeUIntBE(length, 5, 3);
  return frame;
}

/** SYN_STREAM with priority 0 and no associated stream. `block` is compressed. */
export function synStreamFrame(streamId: number, block: Buffer, flags = 0): Buffer {
  const frame = controlFrame(frameType.synStream, flags, 10 + block.length);
  frame.writeUInt32BE(streamId, 8);
  block.copy(frame, 18);
  return frame;
}

function streamBlockFrame(type: number, streamId: number, block: Buffer): Buffer {
  const frame = controlFrame(type, 0, 4 + block.length);
  frame.writeUInt32BE(streamId, 8);
  block.copy(frame, 12);
  return frame;
}

export function synReplyFrame(streamId: number, block: Buffer): Buffer {
  return streamBlockFrame(frameType.synReply, streamId, block);
}

export function headersFrame(streamId: number, block: Buffer): Buffer {
  return streamBlockFrame(frameType.headers, streamId, block);
}

export function rstStreamFrame(streamId: number, status: number): Buffer {
  const frame = controlFrame(frameType.rstStream, 0, 8);
  frame.writeUInt32BE(streamId, 8);
  frame.writeUInt32BE(status, 12);
  return frame;
}

export function pingFrame(id: number): Buffer {
  const frame = controlFrame(frameType.ping, 0, 4);
  frame.writeUInt32BE(id, 8);
  return frame;
}

export function goAwayFrame(lastStreamId: number, status: number): Buffer {
  const frame = controlFrame(frameType.goAway, 0, 8);
  frame.writeUInt32BE(lastStreamId, 8);
  frame.writeUInt32BE(status, 12);
  return frame;
}
