import { agentLostText, serverSilentText } from '../../core/dial-texts.js';
import { TunnelError } from '../../core/errors.js';
import { pause } from '../../core/pause.js';
import type { Dialer } from '../../wire/client/dialer.js';
import {
  type TunnelBelief,
  TunnelClient,
  type TunnelClientSettings,
} from '../../wire/client/tunnel-client.js';
import { closedEarlyText } from '../../wire/net/transport-text.js';
import type { EgressContext } from './context.js';

/** As konnectivity-client: a reader may pause for 10 s, and each dial has a connection of its own. */
const readTimeoutMs = 10_000;
/** How long kube-apiserver tries to reach a proxy-server. */
const connectTimeoutMs = 30_000;
/** grpc-go waits 1 s after a failed attempt, then each time 1.6 times as long, give or take a fifth. */
const retry = { firstMs: 1_000, factor: 1.6, jitter: 0.2 };

const resetText = 'connection reset by peer';

export type GrpcDialerContext = EgressContext &
  Pick<TunnelClientSettings, 'address' | 'tls' | 'openSocket' | 'openPath'>;

/** `GRPC` over a Unix socket, or mTLS. */
export class GrpcDialer implements Dialer {
  private readonly context: GrpcDialerContext;
  private readonly client: TunnelClient;
  private readonly closing = new AbortController();
  private pausing = 0;

  constructor(context: GrpcDialerContext) {
    this.context = context;
    const { faithful } = context;
    const readLimit = faithful.has('reader-pause-cuts') ? { readTimeoutMs } : {};
    this.client = new TunnelClient({ ...context, ...readLimit, singleUse: true });
  }

  /** Dials and connections that are not over yet. */
  get openConnections(): number {
    return this.client.openConnections + this.pausing;
  }

  /** The dials and connections that it holds now. */
  beliefs(): readonly TunnelBelief[] {
    return this.client.beliefs();
  }

  /** Rejects with kube-apiserver's texts. A server that comes back within 30 s is reached. */
  async dial(...[host, port, options = {}]: Parameters<Dialer['dial']>): ReturnType<Dialer['dial']> {
    const { clock, faithful, random } = this.context;
    const waits = faithful.has('server-unreachable-waits');
    const deadline = clock.now() + connectTimeoutMs;
    for (let pauseMs = retry.firstMs; ; pauseMs *= retry.factor) {
      try {
        return await this.client.dial(host, port, options);
      } catch (caught) {
        const error = TunnelError.from(caught);
        const leftMs = deadline - clock.now();
        if (!waits || error.code !== 'SERVER_UNREACHABLE' || leftMs <= 0) throw this.inKubeWords(error);
        const jittered = pauseMs * (1 + retry.jitter * (2 * random.next() - 1));
        this.pausing += 1;
        await pause(clock, Math.min(leftMs, jittered), this.endsWith(options.signal));
        this.pausing -= 1;
      }
    }
  }

  close(): Promise<void> {
    this.closing.abort();
    return this.client.close();
  }

  /** A pause ends with its request, and with this dialer. */
  private endsWith(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.closing.signal : AbortSignal.any([signal, this.closing.signal]);
  }

  private inKubeWords(error: TunnelError): TunnelError {
    const text = kubeText(error, this.context.address);
    if (text === undefined) return error;
    const { code, where, hint } = error;
    return new TunnelError(code, text, { hint, cause: error, ...(where === undefined ? {} : { where }) });
  }
}

/** Other texts of a failed dial come from the server or the agent. */
function kubeText({ code, message }: TunnelError, address: string): string | undefined {
  if (code === 'TUNNEL_CLOSED') return message === agentLostText ? undefined : 'tunnel closed';
  if (code !== 'SERVER_UNREACHABLE') return undefined;
  return `context deadline exceeded: connection error: desc = ${JSON.stringify(reasonOf(message, address))}`;
}

function reasonOf(message: string, address: string): string {
  const [, path] = /^unix:\/\/(.*)$/.exec(address) ?? [];
  const [network, name] = path === undefined ? ['tcp', address] : ['unix', path];
  const read = `${serverSilentText}: read ${network} ${path === undefined ? '' : '@'}->${name}`;
  if (message === serverSilentText) return `${read}: use of closed network connection`;
  // Over TLS the texts tell more: a certificate may be at fault.
  if (path !== undefined && message === closedEarlyText) return `${serverSilentText}: EOF`;
  if (path !== undefined && message.endsWith(resetText)) return `${read}: read: ${resetText}`;
  const failed = /: (connect: .+)$/.exec(message)?.[1];
  if (failed === undefined) return `transport: ${message}`;
  return `transport: Error while dialing: dial ${network} ${name}: ${failed}`;
}
