import { TunnelError } from './errors.js';

export type FaithfulRole = 'server' | 'agent' | 'apiserver';

/**
 * Whether the parts behave as the newest releases of Konnectivity and Kubernetes do where a user sees it (`real`), or
 * better (`ideal`).
 */
export type BehaviourMode = (typeof behaviourModes)[number];

export const behaviourModes = ['real', 'ideal'] as const;

/** A fault of the original. With the switch the parts have it, too. */
export interface FaithfulSwitch {
  /**
   * `seen`: a user sees it in texts, exit codes or times of the newest releases, so that it is on by default. `hidden`: a
   * race, a leak, or harm to other connections. `past`: the newest releases do not have it any more.
   */
  readonly kind: 'seen' | 'hidden' | 'past';
  /** The parts that the switch changes; the others ignore it. */
  readonly roles: readonly FaithfulRole[];
  /** The behaviour of the original that it brings back. */
  readonly brings: string;
  /** Where the original has it: releases, and the issue where there is one. */
  readonly original: string;
  /** The behaviour without the switch. */
  readonly ours: string;
}

/**
 * Every switch, by name. Numbers are issues of kubernetes-sigs/apiserver-network-proxy; "now" is its master of August
 * 2026. `docs/faithful.md` has the same table, and the behaviours that have no switch.
 */
export const faithfulSwitches = {
  'head-of-line-blocking': {
    kind: 'hidden',
    roles: ['server', 'agent'],
    brings: 'One frontend or endpoint that does not read stops every connection of its agent, without end.',
    original: 'now; #222, #335, #881, #882',
    ours: 'Between ideal parts each connection has a window of its own (1 MiB, more on a long way), and rests alone. Else it may have 4 MiB waiting before others feel it, and who takes nothing for 30 s is cut.',
  },
  'no-dial-timeout': {
    kind: 'seen',
    roles: ['server'],
    brings: 'An agent may leave a dial unanswered for ever.',
    original: 'default now, an option since v0.36; #164, #855',
    ours: 'The dial fails after 20 s, or after `backendDialTimeoutMs`.',
  },
  'key-by-agent-id': {
    kind: 'hidden',
    roles: ['server'],
    brings:
      'Two streams of one agent ID share their connection IDs: data goes to the frontend of the later dial.',
    original: 'now; #462',
    ours: 'Connections belong to the stream that they came up on.',
  },
  'teardown-by-agent-id': {
    kind: 'hidden',
    roles: ['server'],
    brings: 'The end of one stream ends the connections of all streams of that agent ID.',
    original: 'up to v0.36; #894',
    ours: 'Only the connections of that stream end.',
  },
  'connect-200-before-dial': {
    kind: 'past',
    roles: ['server'],
    brings:
      'HTTP CONNECT is answered 200 before an agent is asked; what fails then, fails inside the tunnel.',
    original: 'v0.30, not any more in v0.33; #81',
    ours: 'The status line tells what became of the dial.',
  },
  'pending-dials-lost-with-agent': {
    kind: 'seen',
    roles: ['server'],
    brings:
      'A gRPC frontend is not told that the agent which it waits for is gone; it waits its own time out.',
    original: 'now; #126',
    ours: 'The dial fails at once.',
  },
  'dial-cancel-ignored': {
    kind: 'hidden',
    roles: ['server', 'agent'],
    brings:
      'A dial that was given up goes on: the server does not pass DIAL_CLS on, the agent does not heed it.',
    original: 'now',
    ours: 'The agent stops dialling.',
  },
  'dial-cancel-race-leak': {
    kind: 'hidden',
    roles: ['server'],
    brings: 'A DIAL_CLS that crosses the answer leaves the connection open until the stream ends.',
    original: 'now; #404',
    ours: 'The connection is closed.',
  },
  'lost-close-unnoticed': {
    kind: 'hidden',
    roles: ['server', 'agent'],
    brings: 'A connection that only one of agent and server still holds stays until their stream ends.',
    original: 'now; #404',
    ours: 'Ideal parts tell each other their quiet connections, and close such a one within a minute; others always behave so.',
  },
  'any-connection-id': {
    kind: 'hidden',
    roles: ['server'],
    brings: 'A frontend may write to, and close, connections of other frontends on its agent.',
    original: 'now',
    ours: 'A frontend reaches only what it dialled.',
  },
  'stopped-stream-never-ended': {
    kind: 'hidden',
    roles: ['server'],
    brings: 'A Proxy stream whose connection is over stays open until the frontend ends it.',
    original: 'now; #338',
    ours: 'The server ends it after 10 s.',
  },
  'drain-ignored': {
    kind: 'past',
    roles: ['server'],
    brings: 'An agent that drains gets new dials all the same.',
    original: 'up to v0.34; #566',
    ours: 'Others are preferred.',
  },
  'close-without-reason': {
    kind: 'seen',
    roles: ['server'],
    brings: 'A connection that is cut with its agent ends like one that is complete.',
    original: 'now',
    ours: 'The CLOSE_RSP says `agent connection lost`.',
  },
  'empty-data-forwarded': {
    kind: 'hidden',
    roles: ['server'],
    brings: 'DATA without bytes is passed on, which Go clients take for the end.',
    original: 'now',
    ours: 'It is dropped.',
  },
  'hangup-noticed-after-dial': {
    kind: 'hidden',
    roles: ['server'],
    brings: 'A CONNECT client that hangs up during its dial is noticed only when the dial is answered.',
    original: 'now; #789, #855',
    ours: 'Its dial is given up at once.',
  },
  'connect-ids-per-server': {
    kind: 'hidden',
    roles: ['agent'],
    brings: 'Connection IDs begin at 1 for each server connection, so that two streams of one agent collide.',
    original: 'now; #462',
    ours: 'No two connections of a process bear one ID.',
  },
  'drain-waits-for-packet': {
    kind: 'hidden',
    roles: ['agent'],
    brings: 'DRAIN is sent only after the next packet from the server.',
    original: 'up to v0.36; #893',
    ours: 'It is sent at once.',
  },
  'queued-data-lost-at-close': {
    kind: 'hidden',
    roles: ['agent'],
    brings: 'What waits for an endpoint is lost when its connection is closed.',
    original: 'now',
    ours: 'It is written first.',
  },
  'silent-server-hangs': {
    kind: 'hidden',
    roles: ['agent'],
    brings: 'A server that accepts the stream and stays silent ends the search for servers.',
    original: 'now',
    ours: 'The attempt fails after `connectTimeoutMs`, 10 s by default.',
  },
  'sync-waits-interval': {
    kind: 'hidden',
    roles: ['agent'],
    brings: 'After each connection and each loss the agent waits a whole sync interval.',
    original: 'now; #817',
    ours: 'While servers are missing it goes on at once.',
  },
  'log-cut-is-complete': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: 'A log whose kubelet goes away ends as if it were complete.',
    original: 'kube-apiserver 1.36',
    ours: 'The response is cut.',
  },
  'exec-cut-is-success': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: 'An exec or attach whose kubelet goes away is reported as success.',
    original: 'kube-apiserver 1.36',
    ours: 'The error stream tells of the cut, over WebSocket and over SPDY.',
  },
  'server-unreachable-waits': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: 'A dial over GRPC tries for 30 s to reach a proxy-server that does not run, and then fails.',
    original: 'kube-apiserver 1.36',
    ours: 'It fails at once.',
  },
  'reader-pause-cuts': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: 'A connection over GRPC is closed when its client takes nothing for 10 s.',
    original: 'now',
    ours: 'The server closes it after 30 s.',
  },
  'connect-answer-unbounded': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: 'The answer to HTTP CONNECT is waited for without end.',
    original: 'kube-apiserver 1.36; kubernetes/kubernetes #140512',
    ours: 'The dial fails after 30 s.',
  },
  'handshake-unbounded': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: 'An exec, attach or port-forward waits without end for the TLS handshake of a kubelet.',
    original: 'kube-apiserver 1.36',
    ours: 'It fails after 10 s, as logs do.',
  },
  'forward-end-waits': {
    kind: 'seen',
    roles: ['apiserver'],
    brings: "A port-forward over WebSocket whose kubelet goes away ends at the client's next message.",
    original: 'kube-apiserver 1.36; kubectl sends a ping every 10 s',
    ours: 'It ends at once.',
  },
} as const satisfies Readonly<Record<string, FaithfulSwitch>>;

/** The name of a switch for one behaviour of Konnectivity or kube-apiserver (`docs/faithful.md`). */
export type FaithfulName = keyof typeof faithfulSwitches;

export type FaithfulSet = ReadonlySet<FaithfulName>;

export const nothingFaithful: FaithfulSet = new Set();

/** The behaviour of a part, from its options. */
export interface FaithfulOptions {
  /** `real` has all switches of kind `seen` on. Default `real`. */
  readonly as?: BehaviourMode;
  /** More switches that are on. Default: none. */
  readonly faithful?: readonly FaithfulName[];
}

/** The switches that are on. Throws CONFIG_INVALID for what no type has checked: an unknown mode or name. */
export function faithfulSet({ as = 'real', faithful = [] }: FaithfulOptions): FaithfulSet {
  const names = Object.keys(faithfulSwitches) as FaithfulName[];
  if (!behaviourModes.includes(as)) throw unknownValue('as', as, behaviourModes);
  if (!Array.isArray(faithful)) throw unknownValue('faithful', faithful, ['a list of names']);
  const unknown = faithful.find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownValue('faithful', unknown, names);
  const seen = as === 'real' ? names.filter((name) => faithfulSwitches[name].kind === 'seen') : [];
  return new Set([...seen, ...faithful]);
}

/** Flow control for each connection is for ideal parts, unless they are to block. The original has none. */
export const hasFlowControl = (options: FaithfulOptions): boolean =>
  options.as === 'ideal' && !faithfulSet(options).has('head-of-line-blocking');

function unknownValue(where: string, value: unknown, known: readonly string[]): TunnelError {
  const text = `${where}: ${JSON.stringify(value)} is not known; known: ${known.join(', ')}`;
  return new TunnelError('CONFIG_INVALID', text, { where });
}

/** The names of the switches that change any of the roles, in the table's order. */
export function faithfulNames(roles: readonly FaithfulRole[]): readonly FaithfulName[] {
  return (Object.keys(faithfulSwitches) as FaithfulName[]).filter((name) =>
    faithfulSwitches[name].roles.some((role) => roles.includes(role)),
  );
}

/** Reads `NAME,NAME`. Returns the first unknown word instead when there is one. */
export function parseFaithful(text: string): readonly FaithfulName[] | { readonly unknown: string } {
  const known = Object.keys(faithfulSwitches) as FaithfulName[];
  const names: FaithfulName[] = [];
  for (const word of text.split(',').map((part) => part.trim())) {
    if (word === '') continue;
    const name = known.find((candidate) => candidate === word);
    if (name === undefined) return { unknown: word };
    if (!names.includes(name)) names.push(name);
  }
  return names;
}

/** With `head-of-line-blocking`: the write quota of a grpc-go stream. When it is used up, the agent is not read. */
export const blockingMarks = { highBytes: 64 * 1024, lowBytes: 32 * 1024 } as const;
