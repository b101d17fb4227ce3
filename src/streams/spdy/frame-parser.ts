import { ByteQueue } from './byte-queue.js';
import { controlHeadFault, readControlFrame } from './control-frames.js';
import {
  type FrameHead,
  frameFlag,
  frameHeaderBytes,
  isSpdy3,
  readFrameHead,
  type SpdyFrame,
} from './frames.js';

type State =
  | { readonly kind: 'head' }
  | { readonly kind: 'control'; readonly head: FrameHead }
  | { readonly kind: 'data'; readonly streamId: number; readonly fin: boolean; readonly remaining: number }
  | { readonly kind: 'broken' };

/**
 * Makes frames from bytes in chunks of any size. The caller pulls frames, so that it can stop between two of them.
 * Payloads share the memory of the chunks. A peer's mistake is not thrown: it becomes one `violation`, the last frame.
 */
export class FrameParser {
  private readonly bytes = new ByteQueue();
  private readonly maxControlBytes: number;
  private state: State = { kind: 'head' };

  constructor(maxControlBytes: number) {
    this.maxControlBytes = maxControlBytes;
  }

  push(chunk: Buffer): void {
    if (this.state.kind !== 'broken') this.bytes.push(chunk);
  }

  /** The next frame, or undefined until more bytes come. */
  next(): SpdyFrame | undefined {
    for (;;) {
      const state = this.state;
      switch (state.kind) {
        case 'broken':
          return undefined;
        case 'head': {
          if (this.bytes.length < frameHeaderBytes) return undefined;
          const fault = this.begin(readFrameHead(this.bytes.take(frameHeaderBytes)));
          if (fault !== undefined) return this.broken(fault);
          break;
        }
        case 'control':
          return this.control(state.head);
        case 'data':
          return this.data(state);
      }
    }
  }

  private begin(head: FrameHead): string | undefined {
    if (head.control) {
      if (!isSpdy3(head)) return `SPDY version ${head.version} is not 3`;
      const fault = controlHeadFault(head, this.maxControlBytes);
      if (fault === undefined) this.state = { kind: 'control', head };
      return fault;
    }
    if (head.streamId === 0) return 'SPDY DATA frame on stream 0';
    const fin = (head.flags & frameFlag.fin) !== 0;
    this.state = { kind: 'data', streamId: head.streamId, fin, remaining: head.length };
    return undefined;
  }

  private control(head: FrameHead): SpdyFrame | undefined {
    if (this.bytes.length < head.length) return undefined;
    this.state = { kind: 'head' };
    return readControlFrame(head, this.bytes.take(head.length));
  }

  private data(state: Extract<State, { kind: 'data' }>): SpdyFrame | undefined {
    if (state.remaining > 0 && this.bytes.length === 0) return undefined;
    const payload = this.bytes.takeSome(state.remaining);
    const remaining = state.remaining - payload.length;
    this.state = remaining === 0 ? { kind: 'head' } : { ...state, remaining };
    return { kind: 'data', streamId: state.streamId, payload, fin: state.fin && remaining === 0 };
  }

  private broken(message: string): SpdyFrame {
    this.state = { kind: 'broken' };
    this.bytes.clear();
    return { kind: 'violation', message };
  }
}
