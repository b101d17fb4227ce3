import { type Duplex, pipeline } from 'node:stream';

/** Joins two streams, with half-close and back pressure, until both end. A failure destroys both and rejects. */
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
