/** The largest head of an answer that a client reads, bytes; kube-apiserver's bound. */
export const maxAnswerBytes = 1024 * 1024;

export type ConnectAnswer =
  | {
      readonly kind: 'answer';
      readonly code: number;
      /** Code and text of the status line: `502 Bad Gateway`. */
      readonly status: string;
      /** Bytes that came after the head. */
      readonly restBytes: number;
    }
  /** The bytes are not an answer; `text` is Go's error. */
  | { readonly kind: 'broken'; readonly text: string };

/** Go's text for an answer that ends too early, or is too large. */
export const cutShortText = 'unexpected EOF';
const carriageReturn = 13;
const lineFeed = 10;

/** Reads one answer to CONNECT from chunks of any size. It ignores headers and body. */
export class AnswerReader {
  private head = '';
  private lineIsEmpty = true;

  /** Takes the next bytes; undefined until the head is complete. */
  receive(chunk: Uint8Array): ConnectAnswer | undefined {
    for (const [index, byte] of chunk.entries()) {
      this.head += String.fromCharCode(byte);
      if (byte === lineFeed && this.lineIsEmpty) return parseHead(this.head, chunk.length - index - 1);
      if (byte !== carriageReturn) this.lineIsEmpty = byte === lineFeed;
      if (this.head.length >= maxAnswerBytes) return { kind: 'broken', text: cutShortText };
    }
    return undefined;
  }
}

function parseHead(head: string, restBytes: number): ConnectAnswer {
  const line = /^[^\r\n]*/.exec(head)?.[0] ?? '';
  const match = /^HTTP\/\d\.\d (\d{3}(?: .*)?)$/.exec(line);
  const status = match?.[1]?.trim();
  if (status === undefined) {
    return { kind: 'broken', text: `malformed HTTP response ${JSON.stringify(line)}` };
  }
  return { kind: 'answer', code: Number(status.slice(0, 3)), status, restBytes };
}
