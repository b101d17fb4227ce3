import type { Readable } from 'node:stream';
import type { TerminalSize } from '../../streams/types.js';
import { type ByteSink, writeText } from './byte-sink.js';
import { type ByteSource, Input, streamSource } from './byte-source.js';

export interface TerminalOptions {
  /** What the client types; absent when the client sends no input. */
  readonly input: Readable | undefined;
  /** Where output and echo go; see `terminalOutput`. */
  readonly output: ByteSink;
  readonly resize: AsyncIterable<TerminalSize> | undefined;
  readonly signal: AbortSignal;
  /** A real terminal outlives its client: only a key ends its input. */
  readonly endsWithInput?: boolean;
}

/** Turns each newline into carriage return and newline, as a terminal's output does. */
export function terminalOutput(sink: ByteSink): ByteSink {
  return {
    async write(chunk) {
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
      await sink.write(text.includes('\n') ? Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1') : chunk);
    },
  };
}

const keys = {
  interrupt: '\x03',
  endOfFile: '\x04',
  eraseLine: '\x15',
  eraseWord: '\x17',
  escape: '\x1b',
} as const;
const eraseKeys = new Set(['\x7f', '\b']);
/** The longest line of a real terminal. */
const maxLineLength = 4096;
/** Reading pauses while this much typed input waits for a program. */
const maxWaiting = 256;

/**
 * A terminal in line mode: echoes typed text, supports editing, and gives whole lines to the reader. ^C calls
 * `onInterrupt`, ^D ends the input once, and the arrow keys recall earlier lines while `recalls` is set.
 */
export class Terminal {
  size: TerminalSize = { width: 80, height: 24 };
  echo = true;
  /** Whether the arrow keys recall lines; a shell sets it while it waits for one. */
  recalls = false;
  onInterrupt: () => void = () => undefined;
  readonly input: Input;
  private readonly output: ByteSink;
  private readonly signal: AbortSignal;
  private characters: string[] = [];
  private escape = '';
  private history: string[] = [];
  private recalled = 0;
  private waiting: (Uint8Array | undefined)[] = [];
  private ended = false;
  private interrupts = 0;
  private wake: (() => void)[] = [];

  constructor(options: TerminalOptions) {
    this.output = options.output;
    this.signal = options.signal;
    this.input = new Input(this.source());
    options.signal.addEventListener('abort', this.close, { once: true });
    if (options.input === undefined) this.end();
    else void this.pump(options.input, options.endsWithInput === true);
    if (options.resize !== undefined) void this.watchSize(options.resize);
  }

  /** Ends its input, and stops listening to the signal. */
  readonly close = (): void => {
    this.signal.removeEventListener('abort', this.close);
    this.end();
  };

  /** Drops all typed and unread text, and gives the reader an empty line. */
  dropLine(): void {
    this.characters = [];
    this.waiting = [Buffer.from('\n')];
    this.change();
  }

  private source(): ByteSource {
    return {
      next: async () => {
        const { interrupts } = this;
        while (this.waiting.length === 0 && !this.ended && interrupts === this.interrupts)
          await this.changed();
        const line = this.waiting.shift();
        this.change();
        return line;
      },
    };
  }

  private async pump(input: Readable, endsWithInput: boolean): Promise<void> {
    const decoder = new TextDecoder();
    const source = streamSource(input, this.signal);
    try {
      for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
        for (const character of decoder.decode(chunk, { stream: true })) await this.take(character);
        while (this.waiting.length >= maxWaiting && !this.ended) await this.changed();
      }
    } catch {
      // The container has ended: nothing can be shown any more.
    }
    if (endsWithInput) this.end();
  }

  private async watchSize(resize: AsyncIterable<TerminalSize>): Promise<void> {
    try {
      for await (const size of resize) this.size = size;
    } catch {
      // The sizes end with the connection, in whatever way it ends.
    }
  }

  private async take(character: string): Promise<void> {
    if (this.escape !== '' || character === keys.escape) return this.takeEscape(character);
    if (character === '\r' || character === '\n') return this.takeEnter();
    if (character === keys.interrupt) return this.takeInterrupt();
    if (character === keys.endOfFile) return this.takeEnd();
    if (eraseKeys.has(character)) return this.erase(1);
    if (character === keys.eraseLine) return this.erase(this.characters.length);
    if (character === keys.eraseWord) return this.erase(this.lastWordLength());
    if (character < ' ' && character !== '\t') return;
    if (this.characters.length >= maxLineLength) return this.show('\x07');
    this.characters.push(character);
    await this.show(character);
  }

  private async takeEnter(): Promise<void> {
    const line = this.characters.join('');
    this.characters = [];
    if (this.recalls && line.trim() !== '' && this.history.at(-1) !== line) this.history.push(line);
    this.history = this.history.slice(-500);
    this.recalled = this.history.length;
    await this.show('\n');
    this.hand(Buffer.from(`${line}\n`));
  }

  private async takeInterrupt(): Promise<void> {
    await this.show('^C\n');
    this.characters = [];
    this.waiting = [];
    // A program that waits for input gets its end, and can see that it was interrupted.
    this.interrupts++;
    this.onInterrupt();
    this.change();
  }

  private takeEnd(): void {
    const line = this.characters.join('');
    this.characters = [];
    this.hand(line === '' ? undefined : Buffer.from(line));
  }

  private async takeEscape(character: string): Promise<void> {
    this.escape += character;
    if (this.escape.length < 3 && '\x1b[O'.includes(character)) return;
    if (this.escape.length < 8 && /[0-9;]/.test(character)) return;
    const key = this.escape.at(-1);
    this.escape = '';
    if (this.recalls && (key === 'A' || key === 'B')) await this.recall(key === 'A' ? -1 : 1);
  }

  private async recall(step: number): Promise<void> {
    this.recalled = Math.min(this.history.length, Math.max(0, this.recalled + step));
    await this.erase(this.characters.length);
    this.characters = [...(this.history[this.recalled] ?? '')];
    await this.show(this.characters.join(''));
  }

  private async erase(count: number): Promise<void> {
    const erased = this.characters.splice(Math.max(0, this.characters.length - count));
    await this.show('\b \b'.repeat(erased.length));
  }

  private lastWordLength(): number {
    return /\S*\s*$/.exec(this.characters.join(''))?.[0].length ?? 0;
  }

  private hand(line: Uint8Array | undefined): void {
    this.waiting.push(line);
    this.change();
  }

  private async show(text: string): Promise<void> {
    if (this.echo) await writeText(this.output, text);
  }

  private end(): void {
    this.ended = true;
    this.change();
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => this.wake.push(resolve));
  }

  private change(): void {
    const wakes = this.wake;
    this.wake = [];
    for (const wake of wakes) wake();
  }
}
