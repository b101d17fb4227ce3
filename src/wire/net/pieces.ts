/** Messages carry at most this much: small enough for fair interleaving, far below the 4 MiB limit of gRPC. */
export const pieceBytes = 64 * 1024;

/** Hands one piece on; `done` comes when the transport has taken it. */
export type SendPiece = (piece: Buffer, done: (error?: Error | null) => void) => void;

function* slicesOf(chunk: Buffer): Generator<Buffer> {
  for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
}

/** Cuts large chunks and joins small neighbours, so that no piece is larger than `pieceBytes`. */
export function* piecesOf(chunks: readonly Buffer[]): Generator<Buffer> {
  let small: Buffer[] = [];
  let sizeBytes = 0;
  for (const slice of chunks.flatMap((chunk) => [...slicesOf(chunk)])) {
    if (sizeBytes + slice.length > pieceBytes) {
      yield Buffer.concat(small);
      small = [];
      sizeBytes = 0;
    }
    small.push(slice);
    sizeBytes += slice.length;
  }
  const [only] = small;
  if (only !== undefined) yield small.length === 1 ? only : Buffer.concat(small);
}

/** Sends pieces one after the other, each when the one before was taken. */
export function sendPieces(
  pieces: Iterator<Buffer>,
  send: SendPiece,
  done: (error?: Error | null) => void,
): void {
  const next = pieces.next();
  if (next.done === true) return done();
  send(next.value, (error) => {
    if (error) done(error);
    else sendPieces(pieces, send, done);
  });
}
