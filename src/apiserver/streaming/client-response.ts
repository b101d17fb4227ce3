import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import type { UpgradeAnswer } from '../../streams/http-upgrade.js';
import { refuseUpgrade } from '../../streams/upgrade-response.js';

/** Headers of the kubelet's connection, or that are written again. */
const hopHeaders = new Set([
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'keep-alive',
]);

function headerPairs(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    pairs.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
  }
  return pairs;
}

/** Answers with a 500 Status without a reason, as kube-apiserver does for errors that are not API errors. */
export function answerStatusError(socket: Duplex, message: string, clock: Clock): void {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 };
  const body = `${JSON.stringify(status)}\n`;
  refuseUpgrade(socket, { status: 500, contentType: 'application/json', body }, clock);
}

/** Sends the client what the kubelet answered instead of a 101. */
export function echoRefusal(
  socket: Duplex,
  answer: Extract<UpgradeAnswer, { kind: 'refused' }>,
  clock: Clock,
): void {
  const headers = headerPairs(answer.rawHeaders).filter(([name]) => !hopHeaders.has(name.toLowerCase()));
  const contentType = answer.headers['content-type'];
  const body = answer.body;
  refuseUpgrade(socket, { status: answer.status, headers, body, ...(contentType && { contentType }) }, clock);
}

/** Sends the client the kubelet's 101 unchanged; the caller sends the bytes after it. */
export function echoUpgrade(socket: Duplex, answer: Extract<UpgradeAnswer, { kind: 'upgraded' }>): void {
  const lines = headerPairs(answer.rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${answer.status} ${answer.statusText}\r\n${lines.join('')}\r\n`, 'latin1');
}
