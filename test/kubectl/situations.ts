/**
 * What a user of kubectl sees when a part is missing or dies: text, exit code and time, as a released kube-apiserver
 * (1.36) behind a released Konnectivity (0.36, egress GRPC) shows them with kubectl 1.33 (WebSocket) and 1.29 (SPDY).
 * `test/interop` runs the same rows against such programs.
 */
export interface Situation {
  readonly name: string;
  readonly asks: readonly string[];
  /** The part that gets a signal: before the command, or when the command has printed `begun`. */
  readonly killed?: string;
  /** As `killed`; `SIGSTOP` and `SIGTERM` are for programs, a lab has none. */
  readonly paused?: string;
  readonly terminated?: string;
  readonly begun?: RegExp;
  readonly exit: number;
  /** What stdout says, where it matters. */
  readonly prints?: string;
  /** At least so long after the signal, s. */
  readonly afterS?: number;
  /** No end and no word for so long after the signal, s; then kubectl is killed. */
  readonly silentS?: number;
  /**
   * A webhook that is asked about config maps: a Service of `default` and its port, or a URL. `PLAIN` is where plain HTTP
   * is spoken, `SLOW` where no answer comes.
   */
  readonly webhook?: Webhook;
  /** What stderr says; `HOST` is the kubelet's, `SOCKET` the proxy-server's. */
  readonly says: string | { readonly webSocket: string; readonly spdy: string };
}

export interface Webhook {
  readonly service?: { readonly name: string; readonly port: number };
  readonly url?: string;
  readonly failurePolicy?: 'Ignore';
}

const exec = ['exec', 'shell', '--', 'true'];
const running = ['exec', 'shell', '--', 'sh', '-c', 'echo begun; sleep 60'];
const logs = ['logs', 'shell'];
const forward = ['port-forward', 'shell', ':8080'];
const nodeProxy = ['get', '--raw', '/api/v1/nodes/node-1/proxy/healthz'];
const serviceProxy = (service: string): string[] => [
  'get',
  '--raw',
  `/api/v1/namespaces/default/services/${service}/proxy/`,
];

/** The texts of an exec, a log, a port-forward and a request to the kubelet that cannot reach it for `reason`. */
function unreachable(name: string, killed: string, reason: string): readonly Situation[] {
  const post = 'Post "https://HOST:10250/exec/default/shell/shell?command=true&error=1&output=1"';
  const common = { killed, exit: 1 };
  return [
    {
      ...{ ...common, name: `${name}: exec`, asks: exec },
      says: {
        webSocket: `error: Internal error occurred: error sending request: ${post}: ${reason}`,
        spdy: `Error from server: error dialing backend: ${reason}`,
      },
    },
    {
      ...{ ...common, name: `${name}: logs`, asks: logs },
      says: `Error from server: Get "https://HOST:10250/containerLogs/default/shell/shell": ${reason}`,
    },
    {
      ...{ ...common, name: `${name}: port-forward`, asks: forward },
      says: `error: error upgrading connection: error dialing backend: ${reason}`,
    },
    {
      ...{ ...common, name: `${name}: node proxy`, asks: nodeProxy },
      says: `Error from server (ServiceUnavailable): error trying to reach service: ${reason}`,
    },
  ];
}

function cut(part: string, killed: string): readonly Situation[] {
  return [
    { name: `${part} dies in mid-exec`, asks: running, killed, begun: /begun/, exit: 0, says: '' },
    {
      name: `${part} dies in mid-logs`,
      asks: ['logs', '-f', 'ticks'],
      killed,
      begun: /\d/,
      exit: 0,
      says: '',
    },
    {
      ...{ name: `${part} dies in mid-port-forward`, asks: forward, killed, begun: /Forwarding from 127/ },
      ...{ exit: 1, says: 'error: lost connection to pod' },
    },
  ];
}

const noServer =
  'context deadline exceeded: connection error: desc = "transport: Error while dialing: dial unix SOCKET: connect: connection refused"';
const unavailable = 'Error from server (ServiceUnavailable)';

const noTerminal = 'Unable to use a TTY - input is not a terminal or the right kind of file';
/** kubectl prints it before it attaches. */
const prompt = "If you don't see a command prompt, try pressing enter.";
const create = ['create', 'configmap', 'mine'];

function asked(name: string, webhook: Webhook, reason: string): Situation {
  const { service, url } = webhook;
  const address = service === undefined ? url : `https://${service.name}.default.svc:${service.port}/`;
  return {
    ...{ name: `webhook: ${name}`, asks: create, webhook, exit: 1 },
    says: `error: failed to create configmap: Internal error occurred: failed calling webhook "mine.konnsim.example": failed to call webhook: Post "${address}?timeout=2s": ${reason}`,
  };
}

const webhooks: readonly Situation[] = [
  asked('no service', { service: { name: 'nosuch', port: 443 } }, 'service "nosuch" not found'),
  asked(
    'a service without endpoints',
    { service: { name: 'empty', port: 443 } },
    'no endpoints available for service "empty"',
  ),
  asked(
    'a service without that port',
    { service: { name: 'empty', port: 444 } },
    'no service port 444 found for service "empty"',
  ),
  asked(
    'a URL that refuses',
    { url: 'https://127.0.0.1:9/' },
    'dial tcp 127.0.0.1:9: connect: connection refused',
  ),
  asked(
    'a URL that speaks plain HTTP',
    { url: 'https://PLAIN/' },
    'http: server gave HTTP response to HTTPS client',
  ),
  { ...asked('a URL that never answers', { url: 'https://SLOW/' }, 'context deadline exceeded'), afterS: 2 },
  {
    ...{ name: 'webhook: one that may be ignored', asks: create, exit: 0, says: '' },
    webhook: { service: { name: 'nosuch', port: 443 }, failurePolicy: 'Ignore' },
  },
];

const backstop = 'dial timeout, backstop';
const noPreface =
  'context deadline exceeded: connection error: desc = "error reading server preface: read unix @->SOCKET: use of closed network connection"';

/** An exec and a log behind a part that is stopped. */
function behindPaused(part: string, paused: string, reason: string): readonly Situation[] {
  return unreachable(`${part} is stopped`, '', reason)
    .slice(0, 2)
    .map(({ killed: _none, ...row }) => ({ ...row, paused, afterS: 29 }));
}

const signalled: readonly Situation[] = [
  ...behindPaused('the agent', 'agent/node-1', backstop),
  ...behindPaused('the proxy-server', 'server/server-1', noPreface),
  {
    ...{ name: 'the kubelet is stopped: exec', asks: exec, paused: 'kubelet/node-1' },
    ...{ silentS: 20, exit: 0, says: '' },
  },
  {
    ...{ name: 'the kubelet is stopped: logs', asks: logs, paused: 'kubelet/node-1', exit: 1, afterS: 9 },
    says: 'Error from server: Get "https://HOST:10250/containerLogs/default/shell/shell": net/http: TLS handshake timeout',
  },
  {
    ...{ name: 'the proxy-server gets SIGTERM in mid-exec', terminated: 'server/server-1', begun: /begun/ },
    asks: ['exec', 'shell', '--', 'sh', '-c', 'echo begun; sleep 5; echo done'],
    ...{ exit: 0, says: '', prints: 'begun\ndone\n', afterS: 4 },
  },
];

export const situations: readonly Situation[] = [
  ...webhooks,
  ...signalled,
  {
    ...{ name: 'attach -i, no terminal, to one that has one', asks: ['attach', '-i', 'terminal'], exit: 1 },
    says: {
      webSocket: `${noTerminal}\n${prompt}\nerror: Internal error occurred: unable to upgrade connection: rpc error: code = InvalidArgument desc = tty and stderr cannot both be true`,
      spdy: `${noTerminal}\n${prompt}\nError from server: `,
    },
  },
  {
    ...{ name: 'no agent: attach', asks: ['attach', 'ticks'], killed: 'agent/node-1', exit: 1 },
    says: {
      webSocket: `${prompt}\nerror: Internal error occurred: error sending request: Post "https://HOST:10250/attach/default/ticks/c?error=1&output=1": No agent available`,
      spdy: `${prompt}\nError from server: error dialing backend: No agent available`,
    },
  },
  ...unreachable('no agent', 'agent/node-1', 'No agent available'),
  ...unreachable('no kubelet', 'kubelet/node-1', 'dial tcp HOST:10250: connect: connection refused'),
  ...unreachable('no proxy-server', 'server/server-1', noServer)
    .slice(0, 2)
    .map((row) => ({ ...row, afterS: 30 })),
  ...cut('the agent', 'agent/node-1'),
  ...cut('the kubelet', 'kubelet/node-1'),
  ...cut('the proxy-server', 'server/server-1'),
  {
    ...{ name: 'no node: exec', asks: ['exec', 'far', '--', 'true'], exit: 1 },
    says: 'Error from server (NotFound): pods "node-9" not found',
  },
  {
    ...{ name: 'no node: logs', asks: ['logs', 'far'], exit: 1 },
    says: 'Error from server (NotFound): pods "node-9" not found',
  },
  {
    ...{ name: 'no node: node proxy', asks: ['get', '--raw', '/api/v1/nodes/node-9/proxy/healthz'], exit: 1 },
    says: 'Error from server (NotFound): nodes "node-9" not found',
  },
  {
    ...{ name: 'no service', asks: serviceProxy('nosuch'), exit: 1 },
    says: 'Error from server (NotFound): services "nosuch" not found',
  },
  {
    ...{ name: 'a service without endpoints', asks: serviceProxy('https:empty:'), exit: 1 },
    says: `${unavailable}: no endpoints available for service "empty"`,
  },
  {
    ...{ name: 'a service without endpoints, its port', asks: serviceProxy('empty:443'), exit: 1 },
    says: `${unavailable}: no endpoints available for service "empty"`,
  },
];
