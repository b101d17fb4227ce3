import { parentPort } from 'node:worker_threads';
import type { ProcessMethods, ThreadMethods } from './protocol.js';
import { Calls } from './thread-calls.js';
import { ThreadContainer } from './thread-container.js';

/** The entry of a worker thread for containers. */
function serve(port: NonNullable<typeof parentPort>): void {
  const containers = new Map<string, ThreadContainer>();
  const commands = new Map<number, AbortController>();
  const find = (id: string): ThreadContainer => {
    const container = containers.get(id);
    if (container === undefined) throw new Error('the container has ended');
    return container;
  };
  const methods: ThreadMethods = {
    open: (setup, files) => void containers.set(setup.container, new ThreadContainer(setup, files, calls)),
    async exec(command) {
      const container = find(command.container);
      const client = new AbortController();
      commands.set(command.exec, client);
      try {
        return await container.execute(command, client.signal);
      } finally {
        commands.delete(command.exec);
      }
    },
    lookUp: async (id, name, place) => find(id).lookUp(name, place),
    abort: (exec) => commands.get(exec)?.abort(),
    ping: () => undefined,
    readFile: async (id, path) => find(id).readFile(path),
    countFiles: async (id) => find(id).countFiles(),
    async park(id) {
      const files = await find(id).park();
      if (files !== undefined) containers.delete(id);
      return files;
    },
    async close(id) {
      const container = containers.get(id);
      containers.delete(id);
      await container?.end();
    },
  };
  const calls = new Calls<ProcessMethods>(port, methods);
}

if (parentPort !== null) serve(parentPort);
