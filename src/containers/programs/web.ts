import { createServer, type IncomingMessage } from 'node:http';
import { rfc3339 } from '../../kube/time.js';
import type { Program, ProgramContext } from './program.js';

const defaultPort = 8080;

/** An HTTP server that answers with its pod's name and writes one access line to the log for each request. */
export const web: Program = {
  start(context) {
    const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      const body = answer(context, request);
      response.writeHead(200, {
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': Buffer.byteLength(body),
      });
      response.end(request.method === 'HEAD' ? undefined : body);
      context.log('stdout', accessLine(context, request, 200, Buffer.byteLength(body)));
      request.resume();
    });
    server.on('clientError', (_, socket) => socket.destroy());
    server.on('error', () => undefined);
    const ports = context.container.ports?.map(({ containerPort }) => containerPort) ?? [];
    for (const port of ports.length === 0 ? [defaultPort] : ports) {
      context.listen(port, (connection) => void server.emit('connection', connection));
      context.log('stdout', `listening on :${port}\n`);
    }
    context.signal.addEventListener('abort', () => void server.close(), { once: true });
  },
};

function answer({ pod }: ProgramContext, request: IncomingMessage): string {
  const { metadata, spec } = pod;
  return `pod: ${metadata.name}\nnamespace: ${metadata.namespace}\nnode: ${spec.nodeName}\npath: ${request.url ?? '/'}\n`;
}

function accessLine(
  context: ProgramContext,
  request: IncomingMessage,
  status: number,
  bytes: number,
): string {
  const line = `${request.method ?? '-'} ${request.url ?? '-'} HTTP/${request.httpVersion}`;
  return `127.0.0.1 - - [${rfc3339(context.now())}] "${line}" ${status} ${bytes}\n`;
}
