import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dial, openMany } from './dialling.js';
import { modes } from './modes.js';
import { receive } from './receive.js';
import type { CellRequest } from './requests.js';

/** Until the queues of a download that is not read are full. */
const fillMs = 500;

/** Opens the connections that are there beside what is measured. A stopped reader may hold up all that come later. */
export async function openCompany(dial: Dial, beside: CellRequest['beside'] = {}): Promise<Duplex[]> {
  const { idle = 0, stopped = 0 } = beside;
  const silent = await openMany(dial, idle);
  await Promise.all(silent.map(greet));
  const unread = await openMany(dial, stopped);
  for (const stream of unread) stream.pause().write(Buffer.of(modes.download));
  if (stopped > 0) await sleep(fillMs);
  return [...silent, ...unread];
}

/** One byte there and back: the endpoint has accepted the connection. */
export async function greet(stream: Duplex): Promise<void> {
  const back = receive(stream, 1);
  stream.write(Buffer.of(modes.echo, 0x78));
  await back;
}
