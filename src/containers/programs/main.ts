import { createServer } from 'node:net';
import { createRealClock } from '../../core/clock.js';
import { type ProgramContext, portFile } from './program.js';
import { programOf } from './table.js';

/** What the kubelet says of a program that runs as a process: the words behind the name of this file. */
export type ProgramPlace = Pick<ProgramContext, 'pod' | 'container'>;

/**
 * Runs the program of an image as a process of its own. Its ports are sockets in the folder of the container: two pods on
 * one machine may have the same port, and nothing listens on the network.
 */
function main([place = '', folder = '']: readonly string[]): void {
  process.chdir(folder);
  const { pod, container } = JSON.parse(place) as ProgramPlace;
  programOf(container).start({
    pod,
    container,
    env: process.env,
    clock: createRealClock(),
    now: Date.now,
    log: (stream, output) => void process[stream].write(output),
    listen: (port, accept) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined);
        accept(socket);
      });
      server.on(
        'error',
        ({ message }) => void process.stderr.write(`cannot listen on :${port}: ${message}\n`),
      );
      server.listen(portFile(port));
    },
    signal: new AbortController().signal,
  });
}

main(process.argv.slice(2));
