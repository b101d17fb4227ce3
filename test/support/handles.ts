import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect } from 'vitest';
import { eventually, waitMs } from './waits.js';

/** What keeps, or could keep, this process busy at one moment. */
export interface Handles {
  /** Open sockets by kernel number; also those that node does not count because they are unreferenced. */
  readonly sockets: ReadonlySet<string>;
  /** Node's own list: `TCPServerWrap` → 2. */
  readonly kinds: ReadonlyMap<string, number>;
}

/** Kinds of node's list that a test run has anyway, and that come and go. */
const ordinary = new Set([
  'Immediate',
  'Timeout',
  'TTYWrap',
  'FSReqPromise',
  'FSReqCallback',
  'CloseReq',
  'MessagePort',
]);

/** The handles open now. Take it before the parts under test start. */
export function currentHandles(): Handles {
  const kinds = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (!ordinary.has(kind)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return { sockets: openSockets(), kinds };
}

/** Waits until nothing is open that was not open before; fails with the names of what is, after `withinMs`. */
export async function expectNoNewHandles(before: Handles, withinMs = waitMs): Promise<void> {
  await eventually(() => expect(newHandles(before)).toEqual([]), { withinMs });
}

function newHandles(before: Handles): string[] {
  const now = currentHandles();
  const sockets = [...now.sockets].filter((socket) => !before.sockets.has(socket));
  const kinds = [...now.kinds].filter(([kind, count]) => count > (before.kinds.get(kind) ?? 0));
  return [
    ...sockets.map(describeSocket),
    ...kinds.map(([kind, count]) => `${count - (before.kinds.get(kind) ?? 0)} × ${kind}`),
  ];
}

/** `socket:[12345]` for each open one; empty where the system has no /proc. */
function openSockets(): ReadonlySet<string> {
  const folder = '/proc/self/fd';
  const found = new Set<string>();
  for (const descriptor of process.platform === 'linux' ? readdirSync(folder) : []) {
    const target = linkTarget(`${folder}/${descriptor}`);
    if (target.startsWith('socket:')) found.add(target);
  }
  return found;
}

/** The socket with its line of /proc/net, which tells its addresses and state. */
function describeSocket(socket: string): string {
  const inode = ` ${/\d+/.exec(socket)?.[0]} `;
  const lines = ['tcp', 'tcp6', 'unix'].flatMap((table) =>
    readFileSync(`/proc/self/net/${table}`, 'utf8').split('\n'),
  );
  return `${socket} ${lines.find((line) => line.includes(inode))?.trim() ?? 'not connected'}`;
}

/** Empty when the descriptor was closed meanwhile, as that of the listing itself is. */
function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
