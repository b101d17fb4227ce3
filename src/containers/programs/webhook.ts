import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Program, ProgramContext } from './program.js';
import { reviewAnswer } from './webhook-rules.js';

const defaultPort = 8443;
/** As the API server's own limit. */
const maxReviewBytes = 3 * 1024 * 1024;

/** `/validate` refuses pods with `konnsim/deny=true`, `/mutate` labels others. PEM texts: `TLS_CERT`, `TLS_KEY`. */
export const webhook: Program = {
  start(context) {
    const { container, signal } = context;
    const server = startServer(context);
    if (server === undefined) return;
    const ports = container.ports?.map(({ containerPort }) => containerPort) ?? [];
    for (const port of ports.length === 0 ? [defaultPort] : ports) {
      context.listen(port, (connection) => {
        // TLS and HTTP each add several listeners for its end.
        connection.setMaxListeners(30);
        server.emit('connection', connection);
      });
      context.log('stdout', `listening on :${port}\n`);
    }
    signal.addEventListener('abort', () => void server.close(), { once: true });
  },
};

/** Without a valid certificate nothing listens, as with a real webhook that has lost its Secret. */
function startServer(context: ProgramContext): Server | undefined {
  const { TLS_CERT: cert = '', TLS_KEY: key = '' } = context.env;
  try {
    if (cert === '' || key === '') throw new Error('TLS_CERT and TLS_KEY must be set');
    const server = createServer({ cert, key, keepAliveTimeout: 0 }, (request, response) => {
      void serve(context, request, response);
    });
    server.on('clientError', (_, socket) => socket.destroy());
    server.on('tlsClientError', (error, socket) => {
      context.log('stderr', `TLS handshake error: ${error.message}\n`);
      socket.destroy();
    });
    server.on('error', () => undefined);
    return server;
  } catch (caught) {
    const text = caught instanceof Error ? caught.message : String(caught);
    context.log('stderr', `no certificate: ${text}\n`);
    return undefined;
  }
}

async function serve(
  context: ProgramContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => undefined);
  try {
    const answer = reviewAnswer(request.url ?? '/', await readReview(request));
    context.log('stdout', `${answer.log}\n`);
    reply(response, answer.status, answer.body);
  } catch (caught) {
    const text = caught instanceof Error ? caught.message : String(caught);
    context.log('stderr', `bad request: ${text}\n`);
    reply(response, 400, { error: text });
  }
}

async function readReview(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > maxReviewBytes) throw new Error('the review is too large');
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString());
}

function reply(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': bytes.length });
  response.end(bytes);
}
