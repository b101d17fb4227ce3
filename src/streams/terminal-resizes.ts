import type { TerminalSize } from './types.js';

const maxQueued = 16;
const maxTextLength = 4096;

function dimension(text: string, name: 'Width' | 'Height'): number {
  // Go ignores the case of JSON keys, so clients differ.
  const match = new RegExp(`"${name}"\\s*:\\s*(\\d{1,5})\\b`, 'i').exec(text);
  return match === null ? 0 : Number(match[1]);
}

/** Sizes from a stream of flat JSON objects, in chunks of any size. A late reader gets only the newest. */
export class TerminalResizes implements AsyncIterable<TerminalSize> {
  private readonly queue: TerminalSize[] = [];
  private text = '';
  private ended = false;
  private wake: () => void = () => undefined;

  /** Takes more bytes of the stream. Bytes that are not a size are skipped. */
  push(bytes: Buffer): void {
    this.text += bytes.toString('latin1');
    for (let end = this.text.indexOf('}'); end >= 0; end = this.text.indexOf('}')) {
      this.add(this.text.slice(0, end));
      this.text = this.text.slice(end + 1);
    }
    if (this.text.length > maxTextLength) this.text = '';
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize> {
    for (;;) {
      const size = this.queue.shift();
      if (size !== undefined) yield size;
      else if (this.ended) return;
      else await this.changed();
    }
  }

  private add(text: string): void {
    const size = { width: dimension(text, 'Width'), height: dimension(text, 'Height') };
    if (size.width < 1 || size.height < 1) return;
    if (this.queue.length === maxQueued) this.queue.shift();
    this.queue.push(size);
    this.wake();
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

export function encodeResize(size: TerminalSize): string {
  return `${JSON.stringify({ Width: size.width, Height: size.height })}\n`;
}
