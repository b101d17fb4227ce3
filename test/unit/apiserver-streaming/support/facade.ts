import type { Duplex } from 'node:stream';
import {
  handleStreaming,
  type StreamingSubresource,
} from '../../../../src/apiserver/streaming/streaming-handler.js';
import type {
  StreamingOutcome,
  StreamingRequest,
} from '../../../../src/apiserver/streaming/streaming-request.js';
import { createRealClock } from '../../../../src/core/clock.js';
import type { RunRemoteCommand } from '../../../../src/streams/remote-command-context.js';
import { serveRemoteCommand } from '../../../../src/streams/remote-command-server.js';
import type { Upgrade } from '../../../../src/streams/types.js';
import { queue } from '../../streams/support/spdy-pair.js';
import { dial, startUpgradeServer, type TestServer } from '../../streams/support/upgrade-server.js';

/** kube-apiserver's part between a client and a kubelet, over real sockets. */
export interface TestFacade {
  readonly port: number;
  /** What each request came to, in the order of their ends. */
  outcome(): Promise<StreamingOutcome>;
  /** Our end of the newest connection to the kubelet. */
  kubeletSocket(): Promise<Duplex>;
  close(): Promise<void>;
}

export interface FacadeOptions {
  readonly subresource?: StreamingSubresource;
  readonly path?: string;
  /** A port on loopback, or what dialling fails with. */
  readonly kubelet: number | Error;
  readonly overrides?: Partial<StreamingRequest>;
}

export const execPath = '/exec/default/pod/c?command=ls&error=1&input=1&output=1';

export async function startFacade(options: FacadeOptions): Promise<TestFacade> {
  const { subresource = 'exec', path = execPath, kubelet, overrides } = options;
  const outcomes = queue<StreamingOutcome>();
  const dialled = queue<Duplex>();
  const connect = async (): Promise<Duplex> => {
    if (kubelet instanceof Error) throw kubelet;
    const socket = await dial(kubelet);
    dialled.add(socket);
    return socket;
  };
  const target = { path, host: '10.0.0.1', port: 10250 };
  const server = await startUpgradeServer((upgrade) => {
    const request = { upgrade, target, connect, clock: createRealClock(), ...overrides };
    void handleStreaming(subresource, request).then(outcomes.add);
  });
  return {
    port: server.port,
    outcome: outcomes.next,
    kubeletSocket: dialled.next,
    close: () => server.close(),
  };
}

/** A kubelet that runs every command with `run`, and remembers what it was asked. */
export async function startKubelet(
  run: RunRemoteCommand,
): Promise<TestServer & { readonly asked: readonly Upgrade['request'][] }> {
  const asked: Upgrade['request'][] = [];
  const server = await startUpgradeServer((upgrade) => {
    asked.push(upgrade.request);
    const query = new URL(upgrade.request.url ?? '', 'http://kubelet').searchParams;
    const flag = (name: string): boolean => query.get(name) === '1';
    const streams = { stdin: flag('input'), stdout: flag('output'), stderr: flag('error'), tty: flag('tty') };
    serveRemoteCommand(upgrade, streams, run, { clock: createRealClock(), operation: 'exec' });
  });
  return { ...server, asked };
}
