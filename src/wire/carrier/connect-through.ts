import type { Socket } from 'node:net';
import { goBrokenText } from '../../core/go-texts.js';
import { AnswerReader, cutShortText } from '../../core/http-connect/answer.js';

export interface ThroughProxy {
  /** `host:port` behind the proxy, as its client names it. */
  readonly target: string;
  readonly authorization: string | undefined;
}

/**
 * Asks the HTTP proxy at the other end of `socket` for a connection. Resolves when the socket is that connection; what the
 * target has sent already stays readable. Rejects with grpc-go's texts when the proxy refuses, or when the socket ends.
 */
export function connectThrough(socket: Socket, { target, authorization }: ThroughProxy): Promise<void> {
  const reader = new AnswerReader();
  // Kept: an error before the new owner listens must not end the process.
  socket.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const done = (error?: string): void => {
      socket.off('readable', read).off('error', failed).off('close', closed);
      if (error === undefined) resolve();
      else reject(new Error(error));
    };
    const failed = (error: Error): void => done(`reading server HTTP response: ${goBrokenText(error)}`);
    const closed = (): void => done(`reading server HTTP response: ${cutShortText}`);
    const read = (): void => {
      for (let chunk = next(socket); chunk !== null; chunk = next(socket)) {
        const answer = reader.receive(chunk);
        if (answer === undefined) continue;
        if (answer.kind === 'broken') return done(`reading server HTTP response: ${answer.text}`);
        if (answer.code !== 200) return done(refusedText(answer));
        socket.off('readable', read);
        if (answer.restBytes > 0) socket.unshift(chunk.subarray(chunk.length - answer.restBytes));
        return done();
      }
      if (socket.readableEnded) closed();
    };
    socket.on('readable', read).on('error', failed).on('close', closed);
    const credentials = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`;
    const agent = 'User-Agent: konnectivity-sim';
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${agent}\r\n${credentials}\r\n`);
  });
}

function next(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

function refusedText({ version, status }: { readonly version: string; readonly status: string }): string {
  return `failed to do connect handshake, response: ${JSON.stringify(`${version} ${status}`)}`;
}
