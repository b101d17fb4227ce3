import type { Cell } from './programs.js';

/**
 * What our clients are told in a cell. gRPC carries texts of server and agent; of an answer to CONNECT a client reads the
 * status alone, and of servers that answer before the dial is over not even that.
 */
export interface Texts {
  /** The agent could not dial, for this reason. */
  dialFailed(reason: string): string | RegExp;
  /** No agent is connected. */
  readonly noAgent: string | RegExp;
  /** Nobody listens where frontends connect. */
  readonly serverDown: RegExp;
  /** How an open connection ends when its server is killed. */
  readonly serverLost: RegExp;
}

/** What `lastWords` says of a stream that came to an end without an error. */
export const ended = 'ended';

export function textsOf(cell: Cell): Texts {
  return cell.mode === 'grpc' ? grpcTexts() : connectTexts(cell);
}

function grpcTexts(): Texts {
  return {
    dialFailed: (reason) => reason,
    noAgent: 'No agent available',
    serverDown: /^dial (?:tcp|unix) \S+: connect: connection refused$/,
    serverLost: /^tunnel closed: /,
  };
}

function connectTexts({ server, transport }: Cell): Texts {
  // After an early 200 the reason, which nobody asked for, comes before the end: sometimes soon enough to be refused.
  const early = /^ended$|^unexpected \d+ bytes of buffered data/;
  const answer = (status: string): string | RegExp => (server.answersAfterDial ? `, code ${status}` : early);
  const network = transport === 'uds' ? 'unix' : 'tcp';
  return {
    dialFailed: () => answer('502: 502 Bad Gateway'),
    noAgent: answer('500: 500 Internal Server Error'),
    serverDown: new RegExp(`^dial ${network} \\S+: connect: connection refused$`),
    serverLost: /^ended$/,
  };
}
