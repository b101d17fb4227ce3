import type { Program } from './program.js';

const defaultPort = 7;

/** A TCP echo: sends back what it gets, and half-closes after the client. */
export const echo: Program = {
  start(context) {
    const ports = context.container.ports?.map(({ containerPort }) => containerPort) ?? [];
    for (const port of ports.length === 0 ? [defaultPort] : ports) {
      context.listen(port, (connection) => void connection.pipe(connection));
      context.log('stdout', `echoing on :${port}\n`);
    }
  },
};
