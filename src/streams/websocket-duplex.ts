import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { TunnelError } from '../core/errors.js';

/** How many bytes may wait inside ws before writers wait. */
const sendBufferBytes = 256 * 1024;

/** Passes a message to ws. `done` is called at once while its buffer has room. */
export function sendMessage(ws: WebSocket, message: Buffer | string, done: (error?: Error) => void): void {
  if (ws.readyState !== ws.OPEN) {
    done(new TunnelError('TUNNEL_CLOSED', 'the WebSocket is closed'));
    return;
  }
  let waiting = false;
  ws.send(message, { binary: typeof message !== 'string' }, (error) => {
    if (waiting) done(error ?? undefined);
  });
  if (ws.bufferedAmount >= sendBufferBytes) waiting = true;
  else done();
}

/** ws passes a message as one Buffer by default. */
export function messageBytes(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** A byte stream in WebSocket messages. Any close ends the bytes: kubectl leaves without a close frame. */
export class WebSocketDuplex extends Duplex {
  private readonly ws: WebSocket;

  constructor(ws: WebSocket) {
    super({ allowHalfOpen: true, readableHighWaterMark: 128 * 1024, writableHighWaterMark: 64 * 1024 });
    this.ws = ws;
    this.on('error', () => undefined);
    ws.on('message', (data) => {
      const bytes = messageBytes(data);
      if (bytes.length > 0 && !this.destroyed && !this.push(bytes)) ws.pause();
    });
    ws.on('close', () => this.closedByPeer());
  }

  override _read(): void {
    if (this.ws.isPaused) this.ws.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    sendMessage(this.ws, chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.ws.close(1000);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.ws.terminate();
    done(error);
  }

  private closedByPeer(): void {
    if (!this.destroyed) this.push(null);
    // No more bytes can be sent, so the end need not wait for the writer.
    if (!this.writableEnded) this.end();
  }
}
