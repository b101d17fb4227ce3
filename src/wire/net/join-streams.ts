import { type Duplex, pipeline } from 'node:stream';

/**
 * Connects two byte streams, half-close and back pressure included. Resolves when both directions have ended;
 * rejects, with both streams destroyed, when either fails.
 */
export async function joinStreams(a: Duplex, b: Duplex): Promise<void> {
  const oneWay = (from: Duplex, to: Duplex): Promise<void> =>
    new Promise((resolve, reject) => {
      pipeline(from, to, (error) => (error ? reject(error) : resolve()));
    });
  try {
    await Promise.all([oneWay(a, b), oneWay(b, a)]);
  } catch (caught) {
    a.destroy();
    b.destroy();
    throw caught;
  }
}
