/** Bytes in their order, returned without a copy when one chunk has them. */
export class ByteQueue {
  private readonly chunks: Buffer[] = [];
  /** Index of the first chunk with unread bytes, and how many of its bytes were read. */
  private first = 0;
  private offset = 0;
  private total = 0;

  get length(): number {
    return this.total;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.total += chunk.length;
  }

  /** At most `maxBytes` from the first chunk. Empty when the queue is. Never copies. */
  takeSome(maxBytes: number): Buffer {
    const chunk = this.chunks[this.first];
    if (chunk === undefined) return Buffer.alloc(0);
    const piece = chunk.subarray(this.offset, this.offset + maxBytes);
    this.advance(chunk, piece.length);
    return piece;
  }

  /** Exactly `size` bytes. The queue must have as many. Copies only across a chunk border. */
  take(size: number): Buffer {
    let piece = this.takeSome(size);
    if (piece.length === size) return piece;
    const parts = [piece];
    for (let missing = size - piece.length; missing > 0; missing -= piece.length) {
      piece = this.takeSome(missing);
      parts.push(piece);
    }
    return Buffer.concat(parts, size);
  }

  clear(): void {
    this.chunks.length = 0;
    this.first = 0;
    this.offset = 0;
    this.total = 0;
  }

  private advance(chunk: Buffer, used: number): void {
    this.total -= used;
    this.offset += used;
    if (this.offset < chunk.length) return;
    this.offset = 0;
    this.first += 1;
    if (this.first === this.chunks.length) {
      this.chunks.length = 0;
      this.first = 0;
    }
  }
}
