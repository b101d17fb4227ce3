import { createServer, type Socket } from 'node:net';
import { type EndpointCounts, modes } from './modes.js';
import { host, listen } from './sockets.js';
import { serve } from './worker.js';

const chunk = Buffer.alloc(64 * 1024, 'konnectivity');

let receivedBytes = 0;
let open = 0;

function serveConnection(socket: Socket): void {
  open += 1;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.once('close', () => {
    open -= 1;
  });
  socket.once('data', (first) => begin(socket, first));
}

function begin(socket: Socket, first: Buffer): void {
  const rest = first.subarray(1);
  if (first[0] === modes.echo) {
    if (rest.length > 0) socket.write(rest);
    socket.pipe(socket);
  } else if (first[0] === modes.download) {
    socket.resume();
    sendForEver(socket);
  } else {
    receivedBytes += rest.length;
    socket.on('data', (data) => {
      receivedBytes += data.length;
    });
  }
}

function sendForEver(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.write(chunk)) setImmediate(sendForEver, socket);
  else socket.once('drain', () => sendForEver(socket));
}

serve(async () => {
  const port = await listen(createServer(serveConnection), host);
  const counts = (): EndpointCounts => ({ receivedBytes, open, atMs: Number(process.hrtime.bigint()) / 1e6 });
  const control = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(`${JSON.stringify(counts())}\n`));
  });
  const controlPort = await listen(control, host);
  return { hello: { port, controlPort }, handle: async () => counts() };
});
