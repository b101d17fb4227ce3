import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { IdleTimer } from './idle-timer.js';
import { messageBytes, sendMessage } from './websocket-duplex.js';

export interface WebSocketChannelsOptions {
  /** The negotiated name. With `base64` in it messages are text; `v5` adds the CLOSE message. */
  readonly protocol: string;
  /** The number of channels, 0 to `count - 1`. A message for another channel ends the connection. */
  readonly count: number;
  /** A client that leaves without close code 1000 is an error. Default: its bytes are read, then it ends. */
  readonly cutWhenLost?: boolean;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
}

const closeChannel = 255;
const zeroCode = 0x30;

interface Received {
  readonly channel: number;
  readonly payload: Buffer;
}

class ChannelReader extends Readable {
  private readonly wantsMore: () => void;

  constructor(wantsMore: () => void) {
    super({ highWaterMark: 128 * 1024 });
    this.wantsMore = wantsMore;
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.wantsMore();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.wantsMore();
    done(error);
  }
}

class ChannelWriter extends Writable {
  private readonly send: (payload: Buffer, done: (error?: Error) => void) => void;

  constructor(send: (payload: Buffer, done: (error?: Error) => void) => void) {
    super({ highWaterMark: 64 * 1024 });
    this.send = send;
    this.on('error', () => undefined);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (chunk.length === 0) done();
    else this.send(chunk, done);
  }
}

/** The first byte (base64 forms: character) of a message names its channel. A full reader pauses the WebSocket. */
export class WebSocketChannels {
  /** Resolves with the close code when the WebSocket is closed; 1006 without a close frame. Never rejects. */
  readonly ended: Promise<number>;
  private readonly ws: WebSocket;
  private readonly options: WebSocketChannelsOptions;
  private readonly base64: boolean;
  private readonly readers = new Map<number, ChannelReader>();
  private readonly full = new Set<ChannelReader>();
  private readonly idle: IdleTimer;

  constructor(ws: WebSocket, options: WebSocketChannelsOptions) {
    this.ws = ws;
    this.options = options;
    this.base64 = options.protocol.includes('base64');
    this.idle = new IdleTimer(options.clock, options.idleTimeoutMs, () => ws.terminate());
    ws.on('message', (data) => this.receive(messageBytes(data)));
    ws.on('ping', () => this.idle.touch());
    this.ended = new Promise((resolve) => {
      ws.on('close', (code) => {
        this.idle.cancel();
        this.endReaders(code);
        resolve(code);
      });
    });
  }

  /**
   * The client's bytes on a channel. They end with v5 CLOSE, or with the WebSocket, as in wsstream of the Go servers;
   * earlier bytes are read first. With `cutWhenLost` a lost client is an error.
   */
  reader(channel: number): Readable {
    const reader = new ChannelReader(() => this.release(reader));
    this.readers.set(channel, reader);
    return reader;
  }

  /** Sends bytes on a channel. Ending it sends nothing: servers never send CLOSE. */
  writer(channel: number): Writable {
    return new ChannelWriter((payload, done) => this.send(channel, payload, done));
  }

  /** Sends one message, also an empty one. */
  send(channel: number, payload: Buffer, done: (error?: Error) => void = () => undefined): void {
    this.idle.touch();
    const message = this.base64
      ? `${String.fromCharCode(zeroCode + channel)}${payload.toString('base64')}`
      : Buffer.concat([Buffer.of(channel), payload]);
    sendMessage(this.ws, message, done);
  }

  /** Closes after all earlier messages. */
  close(code: number, reason?: string): void {
    // A paused WebSocket would not read the peer's close frame.
    this.full.clear();
    for (const reader of this.readers.values()) reader.destroy();
    this.readers.clear();
    this.ws.resume();
    this.ws.close(code, reason);
  }

  destroy(): void {
    this.ws.terminate();
  }

  private receive(message: Buffer): void {
    this.idle.touch();
    if (message.length === 0) return;
    const { channel, payload } = this.split(message);
    if (channel === closeChannel && this.options.protocol.startsWith('v5.')) {
      this.receiveClose(payload);
    } else if (channel >= this.options.count) {
      this.close(1002, `unknown channel ${channel}`);
    } else {
      this.deliver(channel, payload);
    }
  }

  private split(message: Buffer): Received {
    const first = message.readUInt8(0);
    if (!this.base64) return { channel: first, payload: message.subarray(1) };
    // There is no channel below '0'. The mask makes it an unknown one.
    return {
      channel: (first - zeroCode) & 0xff,
      payload: Buffer.from(message.toString('latin1', 1), 'base64'),
    };
  }

  private receiveClose(payload: Buffer): void {
    const channel = payload[0];
    if (payload.length !== 1 || channel === undefined) {
      this.close(1002, 'a CLOSE message has exactly two bytes');
      return;
    }
    const reader = this.readers.get(channel);
    if (reader === undefined) return;
    this.readers.delete(channel);
    reader.push(null);
    // No more bytes come for it, so its queued bytes need not stop the others.
    this.release(reader);
  }

  private deliver(channel: number, payload: Buffer): void {
    const reader = this.readers.get(channel);
    if (reader === undefined || reader.destroyed || payload.length === 0) return;
    if (reader.push(payload)) return;
    this.full.add(reader);
    this.ws.pause();
  }

  private release(reader: ChannelReader): void {
    if (this.full.delete(reader) && this.full.size === 0) this.ws.resume();
  }

  private endReaders(code: number): void {
    for (const reader of this.readers.values()) {
      if (code !== 1000 && this.options.cutWhenLost)
        reader.destroy(new TunnelError('TUNNEL_CLOSED', `websocket: close ${code}`));
      else reader.push(null);
    }
    this.readers.clear();
  }
}
