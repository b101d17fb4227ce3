import { createRealClock } from '../../src/core/clock.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import { type Door, filesOf, openAllDoors } from '../support/all-doors.js';
import { closeOf, dialDoor, type Shown, visitDoor } from '../support/door-visit.js';
import { randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

const atOnce = 16;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const clientHello = Buffer.from('16030100c2010000be0303', 'hex');
/** Longer than any visit takes on a busy machine, ms; far below what a port waits for. */
const patienceMs = 20_000;

interface Fuzz {
  readonly random: Random;
  readonly doors: readonly Door[];
  readonly strangers: CertificateSet;
  /** Sessions that ports gave, to whomever, and that are shown at any other. */
  readonly sessions: Buffer[];
}

/** A handshake that is cut, or that is none. The client leaves, and the connection has to be over. */
async function cutHandshake(random: Random, door: Door): Promise<void> {
  const socket = dialDoor(door).resume();
  const closed = closeOf(socket);
  if (!oneIn(random, 4)) socket.write(clientHello.subarray(0, random.below(clientHello.length + 1)));
  if (oneIn(random, 2)) socket.write(randomBytes(random, random.below(300)));
  socket.end();
  await closed;
}

function someShown({ random, strangers, sessions }: Fuzz, door: Door): Shown & { readonly good: boolean } {
  const session = oneIn(random, 2) ? pick(random, sessions) : undefined;
  const base = { version: pick(random, versions), session };
  const kind = random.below(3);
  if (kind === 0) return { ...base, good: false };
  const own = door.tls?.client ?? filesOf(strangers, 'admin');
  const { cert, key } = kind === 1 ? filesOf(strangers, 'admin') : own;
  return { ...base, cert: cert ?? '', key: key ?? '', good: kind === 2 };
}

/** Fails when a client is let in that has shown no certificate of the port's CA, or kept out that has. */
async function visit(fuzz: Fuzz, door: Door): Promise<boolean> {
  const { good, ...shown } = someShown(fuzz, door);
  const { welcome, session } = await visitDoor(door, shown);
  if (session !== undefined)
    fuzz.sessions[fuzz.random.below(Math.min(32, fuzz.sessions.length + 1))] = session;
  const right = good ? 'known' : door.tls?.demanding === true ? 'no byte' : 'stranger';
  if (welcome !== right) throw new Error(`${door.name}: a client is "${welcome}" and should be "${right}"`);
  return good;
}

function inTime<T>(run: Promise<T>, door: Door): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`${door.name}: a connection does not end`));
    const timer = setTimeout(late, patienceMs);
    run.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Every TLS port, visited without a certificate, with one, with another CA's, with sessions of any port, and cut. */
export async function fuzzTls({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  const [certificates, strangers] = await Promise.all([createCertificateSet(), createCertificateSet()]);
  const all = await openAllDoors({ certificates, clock: createRealClock() });
  const doors = all.doors.filter(({ tls }) => tls !== undefined);
  const fuzz: Fuzz = { random, doors, strangers, sessions: [randomBytes(random, 100)] };
  let [count, turnedAway] = [0, 0];
  const visitor = async (): Promise<void> => {
    while (count < packets) {
      progress(count++);
      const door = pick(random, doors);
      const isCut = oneIn(random, 3);
      const run = isCut ? cutHandshake(random, door).then(() => false) : visit(fuzz, door);
      if (!(await inTime(run, door))) turnedAway += 1;
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, visitor));
  } finally {
    await all.close();
  }
  return turnedAway;
}
