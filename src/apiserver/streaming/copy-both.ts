import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import { sendAtOnce } from '../../streams/no-delay.js';
import { onAbort } from '../../streams/stream-ends.js';
import { endSoon } from '../../streams/upgrade-response.js';
import type { Framing } from './spdy-framing.js';

/** How long a client may take to leave: the end of a connection can overtake the message about a cut. */
const partingMs = 500;

export interface CopyOptions {
  readonly clock: Clock;
  /** Aborts when this server closes. */
  readonly serverSignal?: AbortSignal | undefined;
  /** Allows to tell the client about a cut. Without it bytes are copied without looking at them. */
  readonly framing?: Framing;
  /** Ends the client only at its next bytes after the kubelet has left. Default false: at once. */
  readonly lateEnd?: boolean;
}

/**
 * Copies bytes in both directions until one side ends, then ends the other: kube-apiserver's proxies have no
 * half-close. Everything that a client sent before it left reaches the kubelet. A broken kubelet connection destroys
 * the client's side at once. Resolves then; with an error text when the kubelet's side did not end normally.
 */
export function copyBoth(client: Duplex, kubelet: Duplex, options: CopyOptions): Promise<string | undefined> {
  return new Promise((resolve) => new Copy({ client, kubelet }, options, resolve));
}

interface Sides {
  readonly client: Duplex;
  readonly kubelet: Duplex;
}

class Copy {
  private readonly sides: Sides;
  private readonly options: CopyOptions;
  private readonly resolve: (outcome: string | undefined) => void;
  private stop: () => void = () => undefined;
  private over = false;

  constructor(sides: Sides, options: CopyOptions, resolve: (outcome: string | undefined) => void) {
    const { client, kubelet } = sides;
    this.sides = sides;
    this.options = options;
    this.resolve = resolve;
    sendAtOnce(client);
    sendAtOnce(kubelet);
    kubelet.once('end', () => void this.kubeletLeft(true));
    client.once('end', () => this.clientEnded());
    for (const event of ['error', 'close'] as const) {
      kubelet.once(event, () => void this.kubeletLeft(false));
      client.once(event, () => this.clientEnded());
    }
    if (kubelet.destroyed) void this.kubeletLeft(false);
    else if (client.destroyed) this.clientEnded();
    if (!this.over) this.stop = this.begin();
  }

  /** Returns a function to stop. */
  private begin(): () => void {
    const { client, kubelet } = this.sides;
    const { framing } = this.options;
    if (framing !== undefined) client.on('data', (chunk: Buffer) => framing.fromClient(chunk));
    client.pipe(kubelet, { end: false });
    const unframe = framing === undefined ? undefined : copyFramed(kubelet, client, framing);
    if (unframe === undefined) kubelet.pipe(client, { end: false });
    return () => {
      client.unpipe(kubelet);
      kubelet.unpipe(client);
      unframe?.();
    };
  }

  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.stop();
    return true;
  }

  private clientEnded(): void {
    if (!this.finish()) return;
    this.sides.client.destroy();
    leave(this.sides.kubelet, this.options.serverSignal);
    this.resolve(undefined);
  }

  private async kubeletLeft(inOrder: boolean): Promise<void> {
    if (!this.finish()) return;
    const { client, kubelet } = this.sides;
    const { clock, framing, lateEnd = false } = this.options;
    kubelet.destroy();
    if (lateEnd) await nextBytes(client);
    const farewell = await framing?.farewell();
    if (farewell !== undefined) {
      client.write(farewell);
      part(client, clock);
    } else if (inOrder || lateEnd) endSoon(client, clock);
    else client.destroy();
    this.resolve(inOrder && farewell === undefined ? undefined : 'the connection to the kubelet was cut');
  }
}

/** Settles when the client sends bytes, or leaves. */
function nextBytes(client: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve();
    for (const event of ['data', 'end', 'close'] as const) client.once(event, done);
    client.resume();
    if (client.destroyed) done();
  });
}

/** Like `pipe`, but through the framing. Returns a function to stop. */
function copyFramed(kubelet: Duplex, client: Duplex, framing: Framing): () => void {
  const copy = (chunk: Buffer): void => {
    let hasRoom = true;
    for (const bytes of framing.toClient(chunk)) hasRoom = client.write(bytes);
    if (!hasRoom) kubelet.pause();
  };
  const goOn = (): void => void kubelet.resume();
  kubelet.on('data', copy);
  client.on('drain', goOn);
  return () => {
    kubelet.off('data', copy);
    client.off('drain', goOn);
  };
}

/** Gives a client time to read the message and leave; then ends it. */
function part(client: Duplex, clock: Clock): void {
  const end = (): void => {
    timer.cancel();
    endSoon(client, clock);
  };
  const timer = clock.after(partingMs, end);
  client.once('end', end);
  client.once('close', () => timer.cancel());
  client.resume();
}

/** Ends and lets the kubelet close when it has read all: closing first may become a reset, which drops bytes. */
function leave(kubelet: Duplex, serverSignal: AbortSignal | undefined): void {
  kubelet.once(
    'close',
    onAbort(serverSignal, () => kubelet.destroy()),
  );
  kubelet.resume();
  kubelet.end();
}
