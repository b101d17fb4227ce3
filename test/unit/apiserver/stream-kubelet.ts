import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { createRealClock } from '../../../src/core/clock.js';
import { servePortForward } from '../../../src/streams/port-forward-server.js';
import { serveRemoteCommand } from '../../../src/streams/remote-command-server.js';
import { startKubelet } from './fake-kubelet.js';
import type { Credentials } from './fixture.js';

/** A kubelet whose logs and commands say `hi`, and whose ports answer nothing. `asked` has the requests that it got. */
export async function startStreamKubelet(
  credentials: Credentials,
): Promise<{ readonly server: Server; readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const clock = createRealClock();
  const server = await startKubelet(credentials, 'node-1', (request, response) => {
    asked.push(request);
    response.end('hi');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push(request);
    const upgrade = { request, socket, head };
    if (request.url?.startsWith('/portForward')) {
      servePortForward(upgrade, async (port) => connect(port, '127.0.0.1'), { clock, podId: 'web' });
      return;
    }
    const options = { stdin: false, stdout: true, stderr: false, tty: false };
    const operation = 'exec';
    serveRemoteCommand(
      upgrade,
      options,
      async ({ stdout }) => {
        stdout?.end('hi');
        return { kind: 'exit', code: 0 };
      },
      { clock, operation },
    );
  });
  return { server, asked };
}
