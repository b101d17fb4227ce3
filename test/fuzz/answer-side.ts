import { AnswerReader, type ConnectAnswer, maxAnswerBytes } from '../../src/core/http-connect/answer.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { mutate, randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

const answers = [
  'HTTP/1.1 200 Connection Established\r\n\r\n',
  'HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\ndial tcp: refused',
  'HTTP/1.0 504 \r\nA: b\r\n c\r\n\r\n',
  'HTTP/1.1 407\n\nxyz',
  'SSH-2.0-OpenSSH\r\n\r\n',
].map((text) => Buffer.from(text));

function someAnswer(random: Random): Buffer {
  if (oneIn(random, 10)) return randomBytes(random, random.below(200));
  let bytes: Buffer = pick(random, answers);
  for (let times = random.below(4); times > 0; times -= 1) bytes = mutate(random, bytes);
  return oneIn(random, 50_000)
    ? Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(2 * maxAnswerBytes, 'x')])
    : bytes;
}

/** Reads the bytes in pieces as they may come; returns the answer and how many bytes it took. */
function read(random: Random, bytes: Buffer, maxPiece: number): { answer?: ConnectAnswer; taken: number } {
  const reader = new AnswerReader();
  let taken = 0;
  while (taken < bytes.length) {
    const piece = bytes.subarray(taken, taken + 1 + random.below(maxPiece));
    taken += piece.length;
    const answer = reader.receive(piece);
    if (answer !== undefined) return { answer, taken };
  }
  return { taken };
}

/** The client's reader of answers: how bytes are cut into pieces changes nothing. */
export function fuzzAnswer({ seed, packets, progress }: FuzzRun): number {
  const random = createRandom(seed);
  let malformed = 0;
  for (let count = 0; count < packets; count += 1) {
    progress(count);
    const bytes = someAnswer(random);
    const whole = read(random, bytes, bytes.length + 1);
    const pieces = read(random, bytes, bytes.length > 5000 ? 100_000 : 8);
    if (text(whole, bytes) !== text(pieces, bytes))
      throw new Error(`pieces change the meaning of ${bytes.toString()}`);
    if (whole.answer?.kind !== 'answer') malformed += 1;
  }
  return malformed;
}

/** The rest counts from the end of the head, wherever the last piece ended. */
function text({ answer, taken }: ReturnType<typeof read>, bytes: Buffer): string {
  if (answer?.kind !== 'answer') return JSON.stringify(answer);
  const headBytes = taken - answer.restBytes;
  if (bytes[headBytes - 1] !== 10) throw new Error('the head does not end with a line');
  return JSON.stringify({ ...answer, restBytes: headBytes });
}
