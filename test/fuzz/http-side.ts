import { createRealClock } from '../../src/core/clock.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { createCertificateSet } from '../../src/pki/certificate-set.js';
import { type Door, openAllDoors } from '../support/all-doors.js';
import { closeOf, openDoor } from '../support/door-visit.js';
import { mutate, randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

const atOnce = 16;
/** Longer than an answer takes on a busy machine, ms. */
const patienceMs = 20_000;

const heads = [
  'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /pods HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nAuthorization: Bearer x\r\n\r\n',
  'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'POST /exec/default/web/web?command=id HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n',
  'GET /exec/default/web/web HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  'GET /api/v1/pods?watch=1&timeoutSeconds=1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'OPTIONS * HTTP/1.0\r\n\r\n',
].map((text) => Buffer.from(text));

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Type, flags and stream of a GOAWAY. */
const goawayHead = Buffer.from('070000000000', 'hex');

/** A frame of HTTP/2: length, type, flags, stream, payload. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** POST / with HPACK's static table; GOAWAY, PING, WINDOW_UPDATE, RST_STREAM, PRIORITY, CONTINUATION, DATA. */
function someFrame(random: Random): Buffer {
  const stream = 1 + 2 * random.below(4);
  if (oneIn(random, 3)) return frame(1, pick(random, [4, 5]), stream, Buffer.from([0x83, 0x87, 0x84]));
  const type = random.below(11);
  return frame(type, random.below(64), oneIn(random, 2) ? 0 : stream, randomBytes(random, random.below(40)));
}

function someBytes(random: Random, { protocol }: Door): Buffer {
  if (oneIn(random, 10)) return randomBytes(random, random.below(200));
  let bytes: Buffer = pick(random, heads);
  if (protocol === 'h2') {
    const frames = Array.from({ length: 1 + random.below(12) }, () => someFrame(random));
    bytes = Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), ...frames]);
  }
  for (let times = random.below(4); times > 0; times -= 1) bytes = mutate(random, bytes);
  return bytes;
}

/** Sends, ends its direction, and waits for the end of the connection. Resolves with how the answer begins. */
function visit(random: Random, door: Door): Promise<string> {
  const socket = openDoor(door, oneIn(random, 4) ? {} : door.tls?.client);
  const bytes = someBytes(random, door);
  const cut = random.below(bytes.length + 1);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer ||= chunk.toString('latin1', 0, 9);
    // node:http2 reads nothing more of a client that it has told to go: it does not see its end.
    if (door.protocol === 'h2' && chunk.includes(goawayHead)) socket.destroy();
  });
  socket.once(door.tls === undefined ? 'connect' : 'secureConnect', () => {
    socket.write(bytes.subarray(0, cut));
    if (oneIn(random, 20)) socket.destroy();
    else socket.end(bytes.subarray(cut));
  });
  const timer = setTimeout(() => socket.destroy(new Error('late')), patienceMs);
  let late = false;
  socket.on('error', ({ message }) => {
    late ||= message === 'late';
  });
  return closeOf(socket).then(() => {
    clearTimeout(timer);
    if (late) throw new Error(`${door.name} does not end after ${JSON.stringify(bytes.toString('latin1'))}`);
    return answer;
  });
}

/** Fails unless a client that behaves is served. */
async function checkHealth(door: Door): Promise<void> {
  const socket = openDoor(door, door.tls?.client);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await closeOf(socket);
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`${door.name} is not healthy any more: ${text}`);
}

/** Heads and frames for every port that speaks HTTP or gRPC. Whatever HTTP/1.1 answers is HTTP/1.1. */
export async function fuzzHttp({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  const all = await openAllDoors({ certificates: await createCertificateSet(), clock: createRealClock() });
  let [count, unanswered] = [0, 0];
  const visitor = async (): Promise<void> => {
    while (count < packets) {
      progress(count++);
      const door = pick(random, all.doors);
      const answer = await visit(random, door);
      if (answer === '') unanswered += 1;
      else if (door.protocol === 'http1' && !/^HTTP\/1\.[01] $/.test(answer))
        throw new Error(`${door.name} answers with ${JSON.stringify(answer)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, visitor));
    for (const door of all.doors)
      if (/kubelet, HTTP|façade, HTTP\/1|health/.test(door.name)) await checkHealth(door);
  } finally {
    await all.close();
  }
  return unanswered;
}
