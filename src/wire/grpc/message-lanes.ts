import type { Http2Stream } from 'node:http2';
import type { PacketBatch } from '../codec/packet-batch.js';
import type { TunnelCall, TunnelClientCall } from './tunnel-service.js';

/** Sends and receives the messages of a call. The call begins and ends elsewhere. */
export interface MessageLane {
  /** `done` is called once, when the transport has taken the batch or never will take it. */
  write(batch: PacketBatch, done: () => void): void;
  pause(): void;
  resume(): void;
}

/** A lane through grpc-js, message by message. */
export class CallLane implements MessageLane {
  private readonly call: TunnelCall | TunnelClientCall;

  constructor(call: TunnelCall | TunnelClientCall) {
    this.call = call;
  }

  write(batch: PacketBatch, done: () => void): void {
    this.call.write(batch, done);
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }
}

/** A lane directly to the HTTP/2 stream of a call: bytes are not copied, and a batch is one write. */
export class StreamLane implements MessageLane {
  private readonly stream: Http2Stream;

  constructor(stream: Http2Stream, received: (chunk: Buffer) => void) {
    this.stream = stream;
    stream.on('data', received);
  }

  write({ slices }: PacketBatch, done: () => void): void {
    const { stream } = this;
    const last = slices.length - 1;
    stream.cork();
    for (let index = 0; index < last; index += 1) stream.write(slices[index]);
    stream.write(slices[last], () => done());
    stream.uncork();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }
}
