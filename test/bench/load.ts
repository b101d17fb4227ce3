import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { bulk, counts } from './bulk.js';
import { createDial, type Dial, openMany } from './dialling.js';
import { dials } from './dials.js';
import { modes } from './modes.js';
import { echoes, pingPong } from './ping-pong.js';
import type { CellRequest, HoldRequest, LoadSetup, Sample } from './requests.js';
import { serve } from './worker.js';

/** Until no more connections than these are open, so that no cell pays for the one before. Resolves with what stays. */
async function untilOpen(most: number, controlPort: number): Promise<number> {
  let open = most;
  for (let tries = 0; tries < 500; tries += 1) {
    ({ open } = await counts(controlPort));
    if (open <= most) return 0;
    await sleep(20);
  }
  return open - most;
}

let held: Duplex[] = [];

/** Takes what comes, as fast as it can, until the next request. */
async function hold(dial: Dial, { connections }: HoldRequest): Promise<Sample> {
  for (const stream of held) stream.destroy();
  held = await openMany(dial, connections);
  for (const stream of held) stream.resume().write(Buffer.of(modes.download));
  return {};
}

serve(async ({ way, controlPort }: LoadSetup) => {
  const shared = createDial(way, false);
  const single = createDial(way, true);
  const measure = (request: CellRequest): Promise<Sample> => {
    const dial = request.singleUse === true ? single : shared;
    switch (request.cell) {
      case 'upload':
      case 'download':
        return bulk(dial, request, controlPort);
      case 'ping-pong':
        return pingPong(dial, request);
      case 'echoes':
        return echoes(dial, request);
      case 'dials':
      case 'single-use-dials':
        return dials(way, dial, request);
    }
  };
  const handle = async (request: CellRequest | HoldRequest): Promise<Sample> => {
    const stays = request.cell === 'hold' ? request.connections : (request.downloadsBeside ?? 0);
    const work = request.cell === 'hold' ? hold(single, request) : measure(request);
    await work.catch(() => undefined);
    const leftOpen = await untilOpen(stays, controlPort);
    return { ...(await work), leftOpen };
  };
  return { hello: undefined, handle };
});
