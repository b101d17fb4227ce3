import { greet } from './company.js';
import type { Dial } from './dialling.js';
import { modes } from './modes.js';
import type { CellRequest, Sample, Way } from './requests.js';
import { exchangeOnce } from './single-use.js';
import { cpuMsOf } from './usage.js';

type Exchange = () => Promise<void>;

/** A dial counts when a byte has come back: what TCP accepts, a relay has not carried yet. */
function exchangeBy(dial: Dial): Exchange {
  return async () => {
    const stream = await dial();
    stream.on('error', () => undefined);
    await greet(stream);
    stream.destroy();
  };
}

function createExchange(way: Way, dial: Dial, { cell }: CellRequest): Exchange {
  if (cell !== 'single-use-dials' || way.kind === 'tcp') return exchangeBy(dial);
  const { address, endpoint } = way;
  return () => exchangeOnce({ address, ...endpoint, data: Buffer.of(modes.echo, 0x78) });
}

/** Connections with a byte there and back, so many at once. */
export async function dials(way: Way, dial: Dial, request: CellRequest): Promise<Sample> {
  const { connections, windowMs, pids } = request;
  const exchange = createExchange(way, dial, request);
  const cpuBefore = pids.map((pid) => cpuMsOf([pid]));
  const beginMs = performance.now();
  let done = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < beginMs + windowMs) {
      await exchange();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const rate = done / ((performance.now() - beginMs) / 1000);
  const cpuAfter = pids.map((pid) => cpuMsOf([pid]));
  if (cpuBefore.includes(undefined) || cpuAfter.includes(undefined)) return { rate };
  const each = cpuAfter.map((after, index) => ((after ?? 0) - (cpuBefore[index] ?? 0)) / done);
  const [clientMs = 0, serverMs = 0, agentMs = 0] = each;
  return { rate, clientMs, hopsMs: serverMs + agentMs, serverMs, agentMs };
}
