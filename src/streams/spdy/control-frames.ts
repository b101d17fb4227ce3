import { type FrameHead, frameFlag, frameType, type SpdyFrame } from './frames.js';

type Reader = (head: FrameHead, payload: Buffer) => SpdyFrame;

interface ControlRow {
  readonly minBytes: number;
  readonly read: Reader;
}

const streamIdMask = 0x7fff_ffff;

function streamIdAt(payload: Buffer, offset: number): number {
  return payload.readUInt32BE(offset) & streamIdMask;
}

const ignore: Reader = (head) => ({ kind: 'ignored', type: head.type });

const rows: Readonly<Record<number, ControlRow>> = {
  [frameType.synStream]: {
    minBytes: 10,
    read: (head, payload) => ({
      kind: 'syn-stream',
      streamId: streamIdAt(payload, 0),
      fin: (head.flags & frameFlag.fin) !== 0,
      block: payload.subarray(10),
    }),
  },
  [frameType.synReply]: {
    minBytes: 4,
    read: (head, payload) => ({
      kind: 'syn-reply',
      streamId: streamIdAt(payload, 0),
      fin: (head.flags & frameFlag.fin) !== 0,
      block: payload.subarray(4),
    }),
  },
  [frameType.rstStream]: {
    minBytes: 8,
    read: (_head, payload) => ({
      kind: 'rst-stream',
      streamId: streamIdAt(payload, 0),
      status: payload.readUInt32BE(4),
    }),
  },
  [frameType.settings]: { minBytes: 4, read: ignore },
  [frameType.ping]: {
    minBytes: 4,
    read: (_head, payload) => ({ kind: 'ping', id: payload.readUInt32BE(0) }),
  },
  [frameType.goAway]: {
    minBytes: 8,
    read: (_head, payload) => ({
      kind: 'goaway',
      lastStreamId: streamIdAt(payload, 0),
      status: payload.readUInt32BE(4),
    }),
  },
  [frameType.headers]: {
    minBytes: 4,
    read: (head, payload) => ({
      kind: 'headers',
      streamId: streamIdAt(payload, 0),
      fin: (head.flags & frameFlag.fin) !== 0,
      block: payload.subarray(4),
    }),
  },
  [frameType.windowUpdate]: { minBytes: 8, read: ignore },
};

/** The fault in the head of a control frame, if any, so that its payload is not waited for. */
export function controlHeadFault(head: FrameHead, maxControlBytes: number): string | undefined {
  const row = rows[head.type];
  if (row === undefined) return `unknown SPDY control frame type ${head.type}`;
  if (head.length < row.minBytes)
    return `SPDY control frame type ${head.type} of ${head.length} bytes is too short`;
  if (head.length > maxControlBytes) {
    return `SPDY control frame type ${head.type} of ${head.length} bytes is over the limit of ${maxControlBytes}`;
  }
  return undefined;
}

/** Reads a control frame after `controlHeadFault` has accepted its head. */
export function readControlFrame(head: FrameHead, payload: Buffer): SpdyFrame {
  const row = rows[head.type];
  if (row === undefined)
    return { kind: 'violation', message: `unknown SPDY control frame type ${head.type}` };
  return row.read(head, payload);
}
