import type { Duplex } from 'node:stream';
import { TunnelError } from '../../core/errors.js';
import { sendAtOnce } from '../no-delay.js';
import { CloseTimeout } from './close-timeout.js';
import { defaultSpdyLimits, type SpdyConnectionOptions, type SpdyLimits } from './connection-options.js';
import { connectionClosed, connectionCut, connectionIdle, streamReset } from './errors.js';
import { FrameParser } from './frame-parser.js';
import { FrameWriter } from './frame-writer.js';
import {
  goAwayFrame,
  goAwayStatus,
  type HeaderFrame,
  pingFrame,
  resetStatus,
  rstStreamFrame,
  type SpdyFrame,
  synReplyFrame,
  synStreamFrame,
} from './frames.js';
import { decodeHeaderBlock, type SpdyHeaders } from './header-block.js';
import { createHeaderExpander, type HeaderContext } from './header-compression.js';
import { Liveness } from './liveness.js';
import { PendingOpens } from './pending-opens.js';
import { SpdyStream, type StreamLink } from './stream.js';

type State = 'open' | 'ending' | 'closed';

/**
 * SPDY/3.1 as in spdystream, without flow control windows: a full reader stops the reading of the socket. Client
 * streams have odd IDs. A server writes nothing before the client's first frame, because client-go loses bytes that
 * arrive together with the 101. The connection ends with its socket.
 */
export class SpdyConnection implements StreamLink {
  /** Resolves when the connection is over: with an error, unless a side closed in order. Never rejects. */
  readonly ended: Promise<TunnelError | undefined>;
  private readonly options: SpdyConnectionOptions;
  private readonly limits: SpdyLimits;
  private readonly socket: Duplex;
  private readonly parser: FrameParser;
  private readonly writer: FrameWriter;
  private readonly expander: HeaderContext;
  private readonly streams = new Map<number, SpdyStream>();
  private readonly opening: PendingOpens;
  private readonly full = new Set<SpdyStream>();
  private readonly socketClosed: Promise<void>;
  private readonly liveness: Liveness;
  private readonly closeTimeout: CloseTimeout;
  private resolveEnded: (error: TunnelError | undefined) => void = () => undefined;
  private state: State = 'open';
  private expanding = false;
  private inputEnded = false;
  private heard = false;
  private peerGoingAway = false;
  private nextStreamId: number;
  private nextPingId: number;
  private lastPeerStreamId = 0;

  constructor(options: SpdyConnectionOptions) {
    this.options = options;
    this.limits = { ...defaultSpdyLimits, ...options.limits };
    this.socket = options.socket;
    this.nextStreamId = options.role === 'client' ? 1 : 2;
    this.nextPingId = this.nextStreamId;
    this.parser = new FrameParser(this.limits.maxControlBytes);
    this.expander = createHeaderExpander(this.limits.maxHeaderBytes);
    this.writer = new FrameWriter(this.socket, {
      ...this.limits,
      fail: (message) => this.violation(message),
    });
    this.opening = new PendingOpens(options.clock);
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    this.socketClosed = new Promise((resolve) => {
      if (this.socket.closed) resolve();
      else this.socket.once('close', resolve);
    });
    this.closeTimeout = new CloseTimeout(this.socket, options.clock);
    this.liveness = new Liveness({
      ...options,
      ping: () => this.sendPing(),
      expire: (idleMs) => this.end(connectionIdle(idleMs), goAwayStatus.ok),
    });
    this.listen();
  }

  /** How many streams are open in at least one direction. */
  get streamCount(): number {
    return this.streams.size;
  }

  /** Opens a stream. Rejects with DIAL_TIMEOUT, with TUNNEL_CLOSED `Stream reset`, or with the connection's error. */
  open(headers: Iterable<readonly [string, string]>, timeoutMs = 30_000): Promise<SpdyStream> {
    if (this.state !== 'open' || this.peerGoingAway) return Promise.reject(connectionClosed());
    const id = this.nextStreamId;
    this.nextStreamId += 2;
    const stream = new SpdyStream(this, id, new Map(headers));
    this.streams.set(id, stream);
    this.writer.headers(stream.headers, (block) => synStreamFrame(id, block));
    return this.opening.wait(stream, timeoutMs);
  }

  /** Sends GOAWAY after all earlier writes. Resolves when the socket is closed. Further calls do nothing. */
  close(): Promise<void> {
    this.end(undefined, goAwayStatus.ok);
    return this.socketClosed;
  }

  destroy(error?: TunnelError): void {
    this.finish(error);
  }

  sendReply(stream: SpdyStream): void {
    this.writer.headers([], (block) => synReplyFrame(stream.id, block));
  }

  sendData(stream: SpdyStream, payload: Buffer, done: (error?: Error) => void): void {
    this.liveness.touch();
    this.writer.data(stream.id, payload, done);
  }

  sendFin(stream: SpdyStream, done: (error?: Error) => void): void {
    this.writer.fin(stream.id, done);
  }

  sendReset(stream: SpdyStream, status: number): void {
    this.writer.dropData(stream.id, connectionClosed());
    this.writer.control(rstStreamFrame(stream.id, status));
  }

  wantsMore(stream: SpdyStream): void {
    if (this.full.delete(stream)) this.pump();
  }

  forget(stream: SpdyStream): void {
    if (this.full.delete(stream)) process.nextTick(() => this.pump());
    if (this.streams.get(stream.id) !== stream) return;
    this.streams.delete(stream.id);
    if (this.peerGoingAway && this.streams.size === 0) void this.close();
  }

  private listen(): void {
    const { socket, options } = this;
    sendAtOnce(socket);
    socket.on('error', (error) => {
      this.inputEnded = true;
      this.deliver();
      this.finish(TunnelError.from(error, 'TUNNEL_CLOSED'));
    });
    socket.on('close', () => this.socketGone());
    socket.on('end', () => this.inputOver());
    socket.on('data', (chunk: Buffer) => {
      if (this.state !== 'open') return;
      this.liveness.touch();
      this.parser.push(chunk);
      this.pump();
    });
    if (socket.destroyed) process.nextTick(() => this.socketGone());
    if (options.head !== undefined && options.head.length > 0) {
      this.parser.push(options.head);
      process.nextTick(() => this.pump());
    }
  }

  /** When no more bytes come, the last chunk is not held back. */
  private get blocked(): boolean {
    return this.expanding || (this.full.size > 0 && !this.inputEnded);
  }

  private deliver(): void {
    while (this.state === 'open' && !this.blocked) {
      const frame = this.parser.next();
      if (frame === undefined) break;
      this.handle(frame);
    }
  }

  private pump(): void {
    this.deliver();
    if (this.state === 'open' && this.blocked) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
    if (this.inputEnded && !this.expanding) this.end(this.cutError(), undefined);
  }

  /** Node reports the end of a socket also while it is paused, so frames may still wait. */
  private inputOver(): void {
    this.inputEnded = true;
    this.pump();
  }

  private handle(frame: SpdyFrame): void {
    if (frame.kind !== 'violation') this.heard = true;
    switch (frame.kind) {
      case 'data':
        this.handleData(frame.streamId, frame.payload, frame.fin);
        return;
      case 'syn-stream':
      case 'syn-reply':
      case 'headers':
        void this.expand(frame);
        return;
      case 'rst-stream':
        this.handleReset(frame.streamId);
        return;
      case 'ping':
        // A PING with an ID of our parity is the echo of our own.
        if (frame.id % 2 !== this.nextPingId % 2) this.writer.control(pingFrame(frame.id));
        return;
      case 'goaway':
        this.peerGoingAway = true;
        if (this.streams.size === 0) void this.close();
        return;
      case 'ignored':
        return;
      case 'violation':
        this.violation(frame.message);
        return;
    }
  }

  private handleData(streamId: number, payload: Buffer, fin: boolean): void {
    const stream = this.streams.get(streamId);
    // Bytes of a stream that has ended here were sent before our reset arrived.
    if (stream === undefined) return;
    if (!stream.receive(payload)) this.full.add(stream);
    if (!fin) return;
    // No more bytes come for it, so its queued bytes need not stop the others.
    this.full.delete(stream);
    stream.receiveFin();
  }

  private handleReset(streamId: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    this.streams.delete(streamId);
    this.full.delete(stream);
    const error = streamReset();
    this.opening.refused(stream, error);
    this.writer.dropData(streamId, error);
    stream.lose(error);
    if (this.peerGoingAway && this.streams.size === 0) void this.close();
  }

  /** Every block must pass the zlib context, also one whose frame is then refused. */
  private async expand(frame: HeaderFrame): Promise<void> {
    this.expanding = true;
    try {
      const headers = decodeHeaderBlock(await this.expander.run(frame.block));
      this.expanding = false;
      if (this.state !== 'open') return;
      this.handleHeaders(frame, headers);
      this.pump();
    } catch (error) {
      this.expanding = false;
      this.violation(error instanceof Error ? error.message : String(error));
    }
  }

  private handleHeaders(frame: HeaderFrame, headers: SpdyHeaders): void {
    if (frame.kind === 'syn-stream') {
      this.handleSynStream(frame, headers);
      return;
    }
    const stream = this.streams.get(frame.streamId);
    if (stream === undefined) return;
    if (frame.kind === 'syn-reply') this.opening.replied(stream);
    if (frame.fin) stream.receiveFin();
  }

  private handleSynStream(frame: Extract<HeaderFrame, { kind: 'syn-stream' }>, headers: SpdyHeaders): void {
    const refusal = this.refusal(frame.streamId);
    if (refusal !== undefined) {
      this.writer.control(rstStreamFrame(frame.streamId, refusal));
      return;
    }
    this.lastPeerStreamId = frame.streamId;
    const stream = new SpdyStream(this, frame.streamId, headers);
    this.streams.set(frame.streamId, stream);
    if (frame.fin) stream.receiveFin();
    this.options.onStream?.(stream);
  }

  private refusal(streamId: number): number | undefined {
    const ours = streamId % 2 === this.nextStreamId % 2;
    if (ours || streamId <= this.lastPeerStreamId) return resetStatus.protocolError;
    const room = this.streams.size < this.limits.maxStreams && !this.peerGoingAway;
    if (this.options.onStream === undefined || !room) return resetStatus.refusedStream;
    return undefined;
  }

  private violation(message: string): void {
    this.end(new TunnelError('PROTOCOL_VIOLATION', message), goAwayStatus.protocolError);
  }

  private cutError(): TunnelError | undefined {
    if (this.peerGoingAway && this.streams.size === 0) return undefined;
    return connectionCut();
  }

  /** Ends in order: queued frames, then GOAWAY (when there is a status), then the end of the socket. */
  private end(error: TunnelError | undefined, status: number | undefined): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    const { socket, writer } = this;
    const mayWrite = this.heard || this.options.role === 'client';
    if (status !== undefined && mayWrite) writer.control(goAwayFrame(this.lastPeerStreamId, status));
    this.closeTimeout.start(status !== undefined);
    writer.whenWritten(() => socket.end());
    this.settle(error);
    // Later bytes are read and dropped. Unread bytes would turn our close into a reset.
    socket.resume();
    if (socket.closed) this.finish(undefined);
  }

  private socketGone(): void {
    this.inputOver();
    if (this.state === 'ending') this.finish(undefined);
  }

  private finish(error: TunnelError | undefined): void {
    if (this.state === 'closed') return;
    const wasOpen = this.state === 'open';
    this.state = 'closed';
    if (wasOpen) this.settle(error);
    this.closeTimeout.cancel();
    this.writer.close(error ?? connectionClosed());
    if (!this.socket.destroyed) this.socket.destroy();
  }

  private settle(error: TunnelError | undefined): void {
    const reason = error ?? connectionClosed();
    this.liveness.stop();
    this.expander.close();
    this.opening.failAll(reason);
    for (const stream of [...this.streams.values()]) stream.lose(reason);
    this.streams.clear();
    this.full.clear();
    this.resolveEnded(error);
  }

  private sendPing(): void {
    this.writer.control(pingFrame(this.nextPingId));
    this.nextPingId += 2;
  }
}
