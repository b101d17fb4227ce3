import { goText } from './go-texts.js';

/** Who can fix an error: `user` is the caller, `peer` the other end of a connection, `bug` this project. */
export type Audience = 'user' | 'peer' | 'bug';

interface ErrorRow {
  readonly audience: Audience;
  /** HTTP status of this failure, where it is answered over HTTP. */
  readonly httpStatus: number;
  /** What to do about it, one sentence. */
  readonly hint: string;
}

/** Every failure that a user can meet, by its code. Codes are stable; texts may change. */
export const errorTable = {
  NO_AGENT: {
    audience: 'peer',
    httpStatus: 503,
    hint: 'No agent is connected to this proxy-server for that address. Is the agent running, and does it dial this server?',
  },
  DIAL_FAILED: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'The agent could not open the endpoint. The text is the one the agent saw.',
  },
  DIAL_TIMEOUT: {
    audience: 'peer',
    httpStatus: 504,
    hint: 'The dial was not answered in time. Check whether the agent, or the path to it, is stalled.',
  },
  DIAL_CANCELLED: { audience: 'user', httpStatus: 499, hint: 'The caller cancelled the dial.' },
  TUNNEL_CLOSED: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'The tunnel closed while the connection was open. See the events of the agent and the proxy-server.',
  },
  STALE_CONNECTION: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'Only one of agent and proxy-server still held the connection: a packet that would have closed it was lost.',
  },
  SERVER_UNREACHABLE: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'The proxy-server does not answer. Is it running, and is the address (or socket path) right?',
  },
  TLS_REJECTED: {
    audience: 'user',
    httpStatus: 502,
    hint: 'Both ends must hold certificates of one CA, with names that match. `konnsim certs` makes such a set.',
  },
  PROTOCOL_VIOLATION: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'The other end broke a rule of the protocol; proto/README.md lists the rules by number.',
  },
  POD_NOT_FOUND: {
    audience: 'user',
    httpStatus: 404,
    hint: '`kubectl get pods -A` lists the pods of the lab.',
  },
  CONTAINER_NOT_FOUND: {
    audience: 'user',
    httpStatus: 404,
    hint: '`kubectl get pod NAME -o yaml` lists the containers of a pod.',
  },
  NODE_NOT_FOUND: {
    audience: 'user',
    httpStatus: 404,
    hint: '`kubectl get nodes` lists the nodes of the lab.',
  },
  REQUEST_NOT_FOUND: {
    audience: 'user',
    httpStatus: 404,
    hint: 'The events of a request carry its name, such as exec-1. Without a name the last failed request is explained.',
  },
  RECORDING_INVALID: {
    audience: 'user',
    httpStatus: 400,
    hint: 'Name a file that `startLab({ record })` or `konnsim up --record FILE` has written.',
  },
  FAULT_NOT_FOUND: {
    audience: 'user',
    httpStatus: 404,
    hint: '`konnsim fault ls` lists the faults that are on.',
  },
  PATH_NOT_FOUND: { audience: 'user', httpStatus: 404, hint: '`/openapi.json` lists all paths and methods.' },
  FORBIDDEN: {
    audience: 'user',
    httpStatus: 403,
    hint: 'The control API answers programs of this machine and its own page only.',
  },
  LOGS_UNAVAILABLE: { audience: 'user', httpStatus: 400, hint: 'The container has no such logs.' },
  READER_TOO_SLOW: {
    audience: 'user',
    httpStatus: 500,
    hint: 'The container writes faster than this client reads. Read faster, or ask for less: `--tail`, `--since`.',
  },
  BAD_REQUEST: { audience: 'user', httpStatus: 400, hint: 'The request could not be understood.' },
  UNAUTHORIZED: {
    audience: 'user',
    httpStatus: 401,
    hint: 'Present a client certificate signed by the CA of the lab.',
  },
  TOO_MANY_REQUESTS: {
    audience: 'user',
    httpStatus: 429,
    hint: 'Too many streams are being set up on that node. Try again after a minute.',
  },
  COMMAND_NOT_FOUND: { audience: 'user', httpStatus: 500, hint: 'The container has no such program.' },
  PORT_CLOSED: { audience: 'user', httpStatus: 502, hint: 'Nothing in the pod listens on that port.' },
  USAGE: { audience: 'user', httpStatus: 400, hint: 'Run the command with --help.' },
  CONFIG_INVALID: { audience: 'user', httpStatus: 400, hint: 'Correct the named field and try again.' },
  FILE_UNREADABLE: {
    audience: 'user',
    httpStatus: 400,
    hint: 'Check that the path exists and that you may read it.',
  },
  FILE_UNWRITABLE: {
    audience: 'user',
    httpStatus: 400,
    hint: 'Check that the folder exists and that you may write there.',
  },
  CERT_INVALID: {
    audience: 'user',
    httpStatus: 400,
    hint: 'Make a fresh set with `konnsim certs --out DIR`.',
  },
  ADDRESS_IN_USE: {
    audience: 'user',
    httpStatus: 400,
    hint: 'Another program listens there. Choose another port, or 0 for a free one.',
  },
  ADDRESS_UNAVAILABLE: {
    audience: 'user',
    httpStatus: 400,
    hint: 'Choose an address that this machine has.',
  },
  TOO_MANY_OPEN_FILES: {
    audience: 'user',
    httpStatus: 503,
    hint: 'Raise the limit of open files and sockets: `ulimit -n 1024` or more, LimitNOFILE= in a systemd unit, `--ulimit nofile=` in Docker.',
  },
  NOT_READY: {
    audience: 'user',
    httpStatus: 503,
    hint: 'The lab was not ready in time; its events say what was missing.',
  },
  LINK_NOT_FOUND: {
    audience: 'user',
    httpStatus: 404,
    hint: 'Name two parts that have a link, such as `agent/node-1` and `server/1`; `*` stands for any text.',
  },
  WAIT_TIMEOUT: { audience: 'user', httpStatus: 504, hint: 'The awaited event did not happen in time.' },
  EXPECTATION_FAILED: {
    audience: 'user',
    httpStatus: 417,
    hint: 'An event happened that the test had ruled out; the text shows it.',
  },
  INVARIANT_BROKEN: {
    audience: 'user',
    httpStatus: 500,
    hint: 'Close what the test opened. What a lab leaves open, or mixes up, by itself is a bug of konnectivity-sim; please report it.',
  },
  LAB_UNREACHABLE: {
    audience: 'user',
    httpStatus: 503,
    hint: 'Start one with `konnsim up`, or name its folder with --dir.',
  },
  LAB_STOPPED: { audience: 'user', httpStatus: 503, hint: 'The lab was stopped; start a new one.' },
  API_UNREACHABLE: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'The Kubernetes API does not answer. Is it running, and are address and CA of the kubeconfig right?',
  },
  API_REFUSED: {
    audience: 'peer',
    httpStatus: 502,
    hint: 'The Kubernetes API answered with this failure. Does the user of the kubeconfig have the permission?',
  },
  INTERNAL: {
    audience: 'bug',
    httpStatus: 500,
    hint: 'This is a bug of konnectivity-sim; please report it with the text above.',
  },
} as const satisfies Record<string, ErrorRow>;

/** The code of a `TunnelError`. */
export type ErrorCode = keyof typeof errorTable;

/** What a `TunnelError` may say beside its code and its text. */
export interface TunnelErrorOptions {
  /** Where on the path it happened, such as `agent node-1` or `kubelet node-1`. Default: unknown. */
  readonly where?: string;
  /** The error behind this one, as `Error.cause`. */
  readonly cause?: unknown;
  /** A hint that fits this case better. Default: the hint of the code. */
  readonly hint?: string;
}

/** The one error class: a stable code, what happened, where on the path, and what to do. */
export class TunnelError extends Error {
  /** Always `TunnelError`. */
  override readonly name = 'TunnelError';
  /** What kind of failure it is. Stable over releases; compare this, not the text. */
  readonly code: ErrorCode;
  /** Where on the path it happened, such as `agent node-1`. Undefined when that is not known. */
  readonly where: string | undefined;
  /** What to do about it, one sentence. */
  readonly hint: string;

  /** `message` says what happened. Without `options` the error has the hint of its code, no place and no cause. */
  constructor(code: ErrorCode, message: string, options: TunnelErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.where = options.where;
    this.hint = options.hint ?? errorTable[code].hint;
  }

  /** Who can fix it. */
  get audience(): Audience {
    return errorTable[this.code].audience;
  }

  /** The HTTP status of this code, where it is answered over HTTP. */
  get httpStatus(): number {
    return errorTable[this.code].httpStatus;
  }

  /**
   * Turns any caught value into a TunnelError with the code `fallback`, default INTERNAL. A TunnelError is returned
   * unchanged. The system's EMFILE and ENFILE become TOO_MANY_OPEN_FILES. Node's texts for broken connections become Go's.
   */
  static from(caught: unknown, fallback: ErrorCode = 'INTERNAL', where?: string): TunnelError {
    if (caught instanceof TunnelError) return caught;
    const full = tooManyOpenFiles(caught, (caught as { code?: unknown } | undefined)?.code, where);
    if (full !== undefined) return full;
    return new TunnelError(
      fallback,
      goText(caught instanceof Error ? caught.message : String(caught)),
      where === undefined ? { cause: caught } : { cause: caught, where },
    );
  }
}

/** TOO_MANY_OPEN_FILES for the system's codes EMFILE and ENFILE; undefined for all others. */
export function tooManyOpenFiles(cause: unknown, code: unknown, where?: string): TunnelError | undefined {
  if (code !== 'EMFILE' && code !== 'ENFILE') return undefined;
  const whose = code === 'EMFILE' ? 'this process' : 'the system';
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = `${whose} can open no more files and sockets: ${message}`;
  return new TunnelError('TOO_MANY_OPEN_FILES', text, where === undefined ? { cause } : { cause, where });
}

/** Why it could not listen on `address`: ADDRESS_IN_USE, ADDRESS_UNAVAILABLE or TOO_MANY_OPEN_FILES. */
export function listenError(
  cause: Error & { code?: string | undefined },
  address: string,
  where: string,
): TunnelError {
  const full = tooManyOpenFiles(cause, cause.code, where);
  if (full !== undefined) return full;
  const code = cause.code === 'EADDRINUSE' ? 'ADDRESS_IN_USE' : 'ADDRESS_UNAVAILABLE';
  return new TunnelError(code, `cannot listen on ${address}: ${cause.message}`, { where, cause });
}
