import { ByteQueue } from '../../streams/spdy/byte-queue.js';
import {
  dataHead,
  type FrameHead,
  frameFlag,
  frameHeaderBytes,
  frameType,
  isSpdy3,
  readFrameHead,
} from '../../streams/spdy/frames.js';

type State =
  | { readonly kind: 'head' }
  | { readonly kind: 'control'; readonly raw: Buffer; readonly head: FrameHead }
  | { readonly kind: 'data'; readonly head: FrameHead; readonly remaining: number }
  /** Not SPDY: all bytes pass. */
  | { readonly kind: 'blind' };

/** Control frames are kept until they are complete; real ones are much shorter. */
const maxControlBytes = 1024 * 1024;

/**
 * Passes SPDY frames on so that its output always ends between two frames: DATA that arrives in pieces becomes one
 * frame for each piece. Remembers on which streams the peer has sent something. SPDY has no length besides that of the
 * frame, so readers see no difference.
 */
export class FrameSplitter {
  private readonly bytes = new ByteQueue();
  private readonly spoken = new Set<number>();
  private readonly ended = new Set<number>();
  private state: State = { kind: 'head' };
  private goneAway = false;

  /** Whether we may insert a frame now. */
  get atBoundary(): boolean {
    return this.state.kind !== 'blind';
  }

  /** Whether anything was on the stream, including its end, or the peer sent a goodbye. */
  hasSpoken(streamId: number): boolean {
    return this.goneAway || this.spoken.has(streamId) || this.ended.has(streamId);
  }

  hasEnded(streamId: number): boolean {
    return this.ended.has(streamId);
  }

  push(chunk: Buffer): readonly Buffer[] {
    if (this.state.kind === 'blind') return [chunk];
    this.bytes.push(chunk);
    const out: Buffer[] = [];
    while (this.step(out));
    return out;
  }

  /** Does the next step; false when more bytes are needed. */
  private step(out: Buffer[]): boolean {
    const { state, bytes } = this;
    switch (state.kind) {
      case 'head':
        return bytes.length >= frameHeaderBytes && this.begin(bytes.take(frameHeaderBytes), out);
      case 'control':
        return bytes.length >= state.head.length && this.control(state, out);
      case 'data':
        return bytes.length > 0 && this.data(state, out);
      case 'blind':
        return false;
    }
  }

  private begin(raw: Buffer, out: Buffer[]): boolean {
    const head = readFrameHead(raw);
    const strange = head.control ? !isSpdy3(head) || head.length > maxControlBytes : head.streamId === 0;
    if (strange) {
      this.state = { kind: 'blind' };
      out.push(raw, ...(this.bytes.length > 0 ? [this.bytes.take(this.bytes.length)] : []));
      return false;
    }
    if (head.control) this.state = { kind: 'control', raw, head };
    else if (head.length > 0) this.state = { kind: 'data', head, remaining: head.length };
    else out.push(this.dataFrame(head, Buffer.alloc(0), 0));
    return true;
  }

  private control({ raw, head }: Extract<State, { kind: 'control' }>, out: Buffer[]): boolean {
    const payload = this.bytes.take(head.length);
    if (head.type === frameType.goAway) this.goneAway = true;
    const hasStream = [frameType.rstStream, frameType.synReply, frameType.headers].some(
      (type) => type === head.type,
    );
    const ends = head.type === frameType.rstStream || (head.flags & frameFlag.fin) !== 0;
    if (hasStream && ends && payload.length >= 4) this.ended.add(payload.readUInt32BE(0) & 0x7fff_ffff);
    out.push(raw, payload);
    this.state = { kind: 'head' };
    return true;
  }

  private data({ head, remaining }: Extract<State, { kind: 'data' }>, out: Buffer[]): boolean {
    const piece = this.bytes.takeSome(remaining);
    const left = remaining - piece.length;
    out.push(this.dataFrame(head, piece, left), piece);
    this.state = left === 0 ? { kind: 'head' } : { kind: 'data', head, remaining: left };
    return true;
  }

  /** The head for a piece of a frame; `left` bytes are still to come. */
  private dataFrame({ streamId, flags }: FrameHead, piece: Buffer, left: number): Buffer {
    const fin = left === 0 && (flags & frameFlag.fin) !== 0;
    if (piece.length > 0) this.spoken.add(streamId);
    if (fin) this.ended.add(streamId);
    return dataHead(streamId, piece.length, fin);
  }
}
