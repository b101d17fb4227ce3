import type { Duplex } from 'node:stream';

/** Resolves when `size` bytes have come. Rejects when the stream is over. */
export function receive(stream: Duplex, size: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = size;
    const over = (): void => reject(new Error('the connection ended'));
    const take = (data: Buffer): void => {
      missing -= data.length;
      if (missing > 0) return;
      stream.off('data', take);
      stream.off('close', over);
      resolve();
    };
    stream.on('data', take);
    stream.once('close', over);
  });
}
