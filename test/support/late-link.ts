import { connect, type Socket } from 'node:net';

const host = '127.0.0.1';

export interface LateLink {
  readonly toPort: number;
  /** What every byte waits, in each direction. */
  readonly oneWayMs: number;
}

/** More than any window of the tunnels that are measured: the link must not be the one that ends a burst. */
const maxUnderwayBytes = 64 * 1024 * 1024;

/** One direction of a long link: bytes, and the end, arrive in order and `oneWayMs` late. */
class Late {
  private readonly from: Socket;
  private readonly to: Socket;
  private readonly oneWayMs: number;
  private readonly underway: { readonly dueMs: number; readonly data: Buffer | undefined }[] = [];
  private underwayBytes = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, oneWayMs: number) {
    this.from = from;
    this.to = to;
    this.oneWayMs = oneWayMs;
    from.on('data', (data) => this.take(data));
    from.on('end', () => this.take(undefined));
    to.on('drain', () => this.deliver());
  }

  private take(data: Buffer | undefined): void {
    this.underway.push({ dueMs: performance.now() + this.oneWayMs, data });
    this.underwayBytes += data?.length ?? 0;
    if (this.underwayBytes > maxUnderwayBytes) this.from.pause();
    this.timer ??= setTimeout(() => this.deliver(), this.oneWayMs);
  }

  private deliver(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (let next = this.underway[0]; next !== undefined; next = this.underway[0]) {
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.deliver(), waitMs);
        break;
      }
      if (this.to.writableNeedDrain) break;
      this.underway.shift();
      this.underwayBytes -= next.data?.length ?? 0;
      if (next.data === undefined) this.to.end();
      else this.to.write(next.data);
    }
    if (this.underwayBytes <= maxUnderwayBytes) this.from.resume();
  }
}

/** Carries one connection over a long link to a port of loopback. */
export function carryLate(from: Socket, { toPort, oneWayMs }: LateLink): void {
  const to = connect({ port: toPort, host, noDelay: true, allowHalfOpen: true });
  from.setNoDelay(true);
  new Late(from, to, oneWayMs);
  new Late(to, from, oneWayMs);
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const) {
    one.on('error', () => other.destroy());
    one.once('close', () => setTimeout(() => other.destroy(), oneWayMs));
  }
}
