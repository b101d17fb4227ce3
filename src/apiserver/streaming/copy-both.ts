import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import { sendAtOnce } from '../../streams/no-delay.js';
import { endSoon } from '../../streams/upgrade-response.js';

/** How long a side that is left may take to accept the last bytes. */
const flushMs = 1_000;

/**
 * Copies bytes both ways until one side ends, then ends the other: kube-apiserver's proxies know no half-close. A
 * side that breaks destroys the other at once. Resolves then; with an error text when the kubelet's side did not end
 * in order.
 */
export function copyBoth(client: Duplex, kubelet: Duplex, clock: Clock): Promise<string | undefined> {
  sendAtOnce(client);
  sendAtOnce(kubelet);
  return new Promise((resolve) => {
    let over = false;
    const finish = (outcome: string | undefined, settle: () => void): void => {
      if (over) return;
      over = true;
      client.unpipe(kubelet);
      kubelet.unpipe(client);
      settle();
      resolve(outcome);
    };
    const kubeletBroke = (): void => finish('the connection to the kubelet was cut', () => client.destroy());
    const clientBroke = (): void => finish(undefined, () => kubelet.destroy());
    kubelet.once('end', () =>
      finish(undefined, () => {
        kubelet.destroy();
        endSoon(client, clock);
      }),
    );
    client.once('end', () =>
      finish(undefined, () => {
        client.destroy();
        leave(kubelet, clock);
      }),
    );
    for (const event of ['error', 'close'] as const) {
      kubelet.once(event, kubeletBroke);
      client.once(event, clientBroke);
    }
    if (kubelet.destroyed) kubeletBroke();
    else if (client.destroyed) clientBroke();
    client.pipe(kubelet, { end: false });
    kubelet.pipe(client, { end: false });
  });
}

/** Sends what is buffered, then closes for good. */
function leave(socket: Duplex, clock: Clock): void {
  const timer = clock.after(flushMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
  if (socket.destroyed) timer.cancel();
  socket.end(() => socket.destroy());
}
