import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import type { Clock } from '../../core/clock.js';
import { headerList, negotiateWebSocket } from '../../streams/protocol-names.js';
import type { Upgrade } from '../../streams/types.js';
import { refuseBare } from '../../streams/upgrade-response.js';
import { acceptWebSocket } from '../../streams/websocket-accept.js';
import { sendMessage } from '../../streams/websocket-duplex.js';
import { writeChunk } from './respond.js';

/** Where a watch or a log goes: into the body of an answer, or over a WebSocket. */
export interface StreamSink {
  /** Answers that the stream begins. False: the client was refused instead, and the request is over. */
  begin(contentType: string): boolean;
  /** Resolves false when the client has left. */
  write(piece: string | Uint8Array): Promise<boolean>;
  end(): void;
  /** Answers without a stream, and without a body. */
  answer(status: number): void;
}

export function bodySink(response: ServerResponse, signal: AbortSignal): StreamSink {
  return {
    begin: (contentType) => {
      response.writeHead(200, { 'content-type': contentType });
      response.flushHeaders();
      return true;
    },
    write: (piece) => writeChunk(response, piece, signal),
    end: () => void response.end(),
    answer: (status) => void response.writeHead(status).end(),
  };
}

/** What differs between the WebSockets of kube-apiserver. */
export interface WebSocketForm {
  /** The subprotocol of the answer, `''` for none, or the status of a refusal. */
  readonly choose: (request: IncomingMessage) => string | number;
  /** The messages of a piece; of the empty piece, those at the start. */
  readonly messages: (piece: string | Uint8Array, protocol: string) => Iterable<string | Buffer>;
}

/** A text message for each line. Any one subprotocol is taken, and an origin is required, as in Go's library. */
export const watchForm: WebSocketForm = {
  choose: (request) => {
    const { origin = '' } = request.headers;
    if (!origin.startsWith('/') && !URL.canParse(origin)) return 403;
    const [protocol = '', ...others] = headerList(request, 'Sec-WebSocket-Protocol');
    return others.length === 0 ? protocol : 400;
  },
  messages: (line) => (line.length === 0 ? [] : [String(line)]),
};

/** kube-apiserver reads at most this much of a log at a time, bytes. */
const logMessageBytes = 2048;

/** Binary messages, or base64 in text messages. The first one is empty. */
export const logForm: WebSocketForm = {
  choose: (request) => negotiateWebSocket(request, ['', 'binary.k8s.io', 'base64.binary.k8s.io']) ?? 403,
  *messages(piece, protocol) {
    const bytes = Buffer.from(piece);
    for (let at = 0; at === 0 || at < bytes.length; at += logMessageBytes) {
      const part = bytes.subarray(at, at + logMessageBytes);
      yield protocol.startsWith('base64.') ? part.toString('base64') : part;
    }
  },
};

/** Accepts the WebSocket when the stream begins, so that what fails before that is an ordinary answer. */
export class WebSocketSink implements StreamSink {
  /** The status of the answer. */
  status = 101;
  private readonly upgrade: Upgrade;
  private readonly form: WebSocketForm;
  private readonly clock: Clock;
  private protocol = '';
  private ws: WebSocket | undefined;

  constructor(upgrade: Upgrade, form: WebSocketForm, clock: Clock) {
    this.upgrade = upgrade;
    this.form = form;
    this.clock = clock;
  }

  begin(): boolean {
    const chosen = this.form.choose(this.upgrade.request);
    if (typeof chosen === 'number') {
      this.answer(chosen);
      return false;
    }
    this.protocol = chosen;
    acceptWebSocket(this.upgrade, chosen, (ws) => {
      this.ws = ws;
    });
    // The library has answered a faulty handshake.
    if (this.ws === undefined) this.status = 400;
    else void this.write('');
    return this.ws !== undefined;
  }

  async write(piece: string | Uint8Array): Promise<boolean> {
    for (const message of this.form.messages(piece, this.protocol)) {
      if (!(await this.send(message))) return false;
    }
    return true;
  }

  end(): void {
    this.ws?.close(1000);
  }

  /** Ends a stream that cannot be completed. */
  abort(): void {
    this.ws?.terminate();
  }

  answer(status: number): void {
    this.status = status;
    refuseBare(this.upgrade.socket, status, this.clock);
  }

  private send(message: string | Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      const { ws } = this;
      if (ws === undefined) resolve(false);
      else sendMessage(ws, message, (error) => resolve(error === undefined));
    });
  }
}
