/** The largest head of an answer that a client reads, bytes; kube-apiserver's bound. */
export const maxAnswerBytes = 1024 * 1024;

export type ConnectAnswer =
  | {
      readonly kind: 'answer';
      readonly code: number;
      /** Code and text of the status line: `502 Bad Gateway`. */
      readonly status: string;
      /** `HTTP/1.1`. */
      readonly version: string;
      /** Bytes that came after the head. */
      readonly restBytes: number;
    }
  /** The bytes are not an answer; `text` is Go's error. */
  | { readonly kind: 'broken'; readonly text: string };

/** Go's text for an answer that ends too early, or is too large. */
export const cutShortText = 'unexpected EOF';
const lineFeed = 10;

type Head = Omit<Extract<ConnectAnswer, { kind: 'answer' }>, 'restBytes'>;

/** Reads one answer to CONNECT from chunks of any size, as strict as Go. It ignores what headers say, and the body. */
export class AnswerReader {
  private head: Head | undefined;
  private headers = 0;
  private line = '';
  private sizeBytes = 0;

  /** Takes the next bytes; undefined until the head is complete or broken. */
  receive(chunk: Uint8Array): ConnectAnswer | undefined {
    for (const [index, byte] of chunk.entries()) {
      const found = byte === lineFeed ? this.lineEnds(chunk.length - index - 1) : undefined;
      if (found !== undefined) return found;
      if (byte !== lineFeed) this.line += String.fromCharCode(byte);
      if (++this.sizeBytes >= maxAnswerBytes) return broken(cutShortText);
    }
    return undefined;
  }

  private lineEnds(restBytes: number): ConnectAnswer | undefined {
    const line = this.line.replace(/\r$/, '');
    this.line = '';
    if (this.head === undefined) {
      const read = parseStatusLine(line);
      if (read.kind === 'broken') return read;
      this.head = read;
      return undefined;
    }
    if (line === '') return { ...this.head, restBytes };
    const fault = headerFault(line, this.headers++);
    return fault === undefined ? undefined : broken(fault);
  }
}

function broken(text: string): ConnectAnswer & { readonly kind: 'broken' } {
  return { kind: 'broken', text };
}

function parseStatusLine(line: string): Head | ReturnType<typeof broken> {
  const [, version, status = ''] = /^([^ ]*) (.*)$/.exec(line) ?? [];
  if (version === undefined) return broken(`malformed HTTP response ${JSON.stringify(line)}`);
  const [code = ''] = status.trim().split(' ');
  if (!/^\d{3}$/.test(code)) return broken(`malformed HTTP status code ${JSON.stringify(code)}`);
  if (!/^HTTP\/\d\.\d$/.test(version)) return broken(`malformed HTTP version ${JSON.stringify(version)}`);
  return { kind: 'answer', code: Number(code), status: status.trim(), version };
}

function headerFault(line: string, before: number): string | undefined {
  if (/^[ \t]/.test(line)) return before === 0 ? `malformed MIME header initial line: ${line}` : undefined;
  if (!line.includes(':')) return `malformed MIME header: missing colon: ${JSON.stringify(line)}`;
  return /^[\w !#$%&'*+.^`|~-]+:/.test(line) ? undefined : `malformed MIME header line: ${line}`;
}
