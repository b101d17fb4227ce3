/** The largest message, bytes: small enough for fair interleaving, far below gRPC's limit of 4 MiB. */
export const pieceBytes = 64 * 1024;

/** Passes one piece on. `done` is called when the transport has taken it. */
export type SendPiece = (piece: Buffer, done: (error?: Error | null) => void) => void;

function* slicesOf(chunk: Buffer): Generator<Buffer> {
  for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
}

/** Splits large chunks and joins small ones, so that no piece is larger than `pieceBytes`. */
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

/** Sends the pieces in order, each after the one before was taken. */
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
