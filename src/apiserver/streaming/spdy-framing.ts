import { hasStatusJson } from '../../streams/protocol-names.js';
import { FrameParser } from '../../streams/spdy/frame-parser.js';
import { dataHead } from '../../streams/spdy/frames.js';
import { decodeHeaderBlock } from '../../streams/spdy/header-block.js';
import { createHeaderExpander, type HeaderContext } from '../../streams/spdy/header-compression.js';
import { encodeStatus, translatorStatus } from '../../streams/status.js';
import { FrameSplitter } from './frame-splitter.js';

/** Makes sure that our own bytes can follow those for a client. */
export interface Framing {
  /** The bytes for the client, from the kubelet's. */
  toClient(chunk: Buffer): readonly Buffer[];
  /** Reads the client's bytes, which are passed on unchanged. */
  fromClient(chunk: Buffer): void;
  /** The message that the kubelet's connection was cut; undefined when there is nothing to send. Call it once. */
  farewell(): Promise<Buffer | undefined>;
}

export interface SpdyFramingOptions {
  /** X-Stream-Protocol-Version of the kubelet's 101, `channel.k8s.io` without one. */
  readonly protocol: string;
  /** The number of streams that the client opens. */
  readonly streams: number;
}

const maxHeaderBytes = 256 * 1024;

/**
 * Watches the SPDY of an exec or attach. A kubelet ends a command with a Status on the error stream; SPDY clients take
 * a connection that ends without one for success. Here such a client gets a Status that says what happened. Bytes that
 * are not SPDY pass unchanged, and no message is possible.
 */
export class SpdyCommandFraming implements Framing {
  private readonly options: SpdyFramingOptions;
  private readonly splitter = new FrameSplitter();
  private readonly parser = new FrameParser(maxHeaderBytes);
  private expander: HeaderContext | undefined;
  private readonly opened: number[] = [];
  private errorStream: Promise<number | undefined> = Promise.resolve(undefined);

  constructor(options: SpdyFramingOptions) {
    this.options = options;
  }

  toClient(chunk: Buffer): readonly Buffer[] {
    return this.splitter.push(chunk);
  }

  fromClient(chunk: Buffer): void {
    if (this.opened.length >= this.options.streams) return;
    this.parser.push(chunk);
    for (let frame = this.parser.next(); frame !== undefined; frame = this.parser.next()) {
      if (frame.kind === 'syn-stream') this.addStream(frame.streamId, frame.block);
    }
  }

  async farewell(): Promise<Buffer | undefined> {
    const errorStream = await this.errorStream.catch(() => undefined);
    this.expander?.close();
    const { splitter } = this;
    if (errorStream === undefined || !splitter.atBoundary || splitter.hasSpoken(errorStream))
      return undefined;
    const result = { kind: 'error', message: 'error reading from error stream: unexpected EOF' } as const;
    const status = encodeStatus(translatorStatus(result), hasStatusJson(this.options.protocol));
    const others = this.opened.filter((id) => id !== errorStream && !splitter.hasEnded(id));
    const ends = others.map((id) => dataHead(id, 0, true));
    return Buffer.concat([dataHead(errorStream, status.length, true), status, ...ends]);
  }

  /** Header blocks share a zlib context, so each waits for the one before. */
  private addStream(streamId: number, block: Buffer): void {
    this.opened.push(streamId);
    const before = this.errorStream;
    const expander = (this.expander ??= createHeaderExpander(maxHeaderBytes));
    const last = this.opened.length === this.options.streams;
    this.errorStream = before
      .then(async (known) => {
        const headers = decodeHeaderBlock(await expander.run(block));
        return known ?? (headers.get('streamtype') === 'error' ? streamId : undefined);
      })
      .finally(() => last && expander.close());
    // The result is only needed at the end; after an invalid header no message is possible.
    this.errorStream.catch(() => undefined);
  }
}
