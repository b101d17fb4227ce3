import type { ByteSource } from '../../io/byte-source.js';
import { Input } from '../../io/byte-source.js';
import { CommandFailure } from '../limit.js';
import {
  BadHeader,
  blockBytes,
  decodeHeader,
  isEmptyBlock,
  paddingOf,
  type TarHeader,
  typeFlags,
} from './header.js';
import { decodePax } from './pax.js';

/** Names and extended headers longer than this are refused. */
const maxNameBytes = 1024 * 1024;

export interface Member {
  readonly header: TarHeader;
  /** The member is stored as a sparse file, which we do not support. */
  readonly sparse: boolean;
  /** The content; unread content is skipped. */
  readonly content: ByteSource;
}

/** Prints a message of GNU tar; `failing` sets its exit code to 2. */
export type Say = (text: string, failing: boolean) => Promise<void>;

/** Reads members up to the empty blocks. Reports and skips a broken header, as GNU tar. Rejects for cut content. */
export class ArchiveReader {
  private readonly input: Input;
  private readonly say: Say;
  private position = 0;
  private leftBytes = 0;
  private lastWas: 'start' | 'good' | 'bad' = 'start';
  /** Whether a map of sparse parts follows the last header. */
  private isExtended = false;

  constructor(source: ByteSource, say: Say) {
    this.input = source instanceof Input ? source : new Input(source);
    this.say = say;
  }

  async *members(): AsyncGenerator<Member> {
    let overrides: Partial<TarHeader> = {};
    let sparse = false;
    for (let header = await this.header(); header !== undefined; header = await this.header()) {
      const more = await this.extension(header);
      if (more !== undefined) {
        overrides = { ...overrides, ...more.overrides };
        sparse ||= more.sparse;
        continue;
      }
      const whole = { ...header, ...overrides };
      const bodyless = '123456'.includes(whole.type);
      this.leftBytes = bodyless ? 0 : whole.sizeBytes;
      const padding = paddingOf(this.leftBytes);
      if (header.type === 'S') await this.skipSparseMap();
      yield {
        header: whole,
        sparse: sparse || header.type === 'S',
        content: { next: () => this.contentChunk() },
      };
      while ((await this.contentChunk()) !== undefined);
      this.leftBytes = padding;
      while ((await this.contentChunk()) !== undefined);
      overrides = {};
      sparse = false;
    }
  }

  /** What a member says about the next one; undefined for an ordinary member. */
  private async extension(
    header: TarHeader,
  ): Promise<{ readonly overrides: Partial<TarHeader>; readonly sparse: boolean } | undefined> {
    const text = (content: Buffer): string => content.toString().replace(/\0.*$/s, '');
    switch (header.type) {
      case typeFlags.longName:
        return { overrides: { name: text(await this.small(header)) }, sparse: false };
      case typeFlags.longLink:
        return { overrides: { linkName: text(await this.small(header)) }, sparse: false };
      case 'x':
      case 'X': {
        const { overrides, complaints, sparse } = decodePax(await this.small(header));
        for (const complaint of complaints) await this.say(complaint, true);
        return { overrides, sparse };
      }
      case 'g': {
        for (const complaint of decodePax(await this.small(header)).complaints)
          await this.say(complaint, true);
        return { overrides: {}, sparse: false };
      }
      default:
        return undefined;
    }
  }

  private async header(): Promise<TarHeader | undefined> {
    for (;;) {
      const block = await this.block();
      if (block === undefined) {
        if (this.lastWas === 'start') await this.say('This does not look like a tar archive', true);
        return undefined;
      }
      if (isEmptyBlock(block)) {
        const next = await this.block();
        if (next !== undefined && !isEmptyBlock(next))
          await this.say(`A lone zero block at ${this.position / blockBytes - 1}`, false);
        return undefined;
      }
      try {
        const header = decodeHeader(block);
        this.lastWas = 'good';
        this.isExtended = block[482] !== 0;
        return header;
      } catch (error) {
        if (!(error instanceof BadHeader)) throw error;
        await this.broken(block, error.message);
      }
    }
  }

  private async broken(block: Buffer, reason: string): Promise<void> {
    await this.refusePacked(block);
    if (reason !== '') await this.say(reason, true);
    if (this.lastWas === 'start') await this.say('This does not look like a tar archive', true);
    if (this.lastWas !== 'bad') await this.say('Skipping to next header', true);
    this.lastWas = 'bad';
  }

  private async refusePacked(start: Buffer): Promise<void> {
    if (this.lastWas !== 'start' || start[0] !== 0x1f || start[1] !== 0x8b) return;
    await this.say('Archive is compressed. Use -z option', true);
    throw new CommandFailure('Error is not recoverable: exiting now', 2);
  }

  /** The next block; undefined at the end of the input, even in the middle of a block. */
  private async block(): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    let missing = blockBytes;
    while (missing > 0) {
      const chunk = await this.input.next();
      if (chunk === undefined) {
        await this.refusePacked(Buffer.concat(parts));
        return undefined;
      }
      const part = chunk.subarray(0, missing);
      this.input.putBack(chunk.subarray(part.length));
      parts.push(part);
      missing -= part.length;
    }
    this.position += blockBytes;
    return Buffer.concat(parts);
  }

  private async contentChunk(): Promise<Uint8Array | undefined> {
    if (this.leftBytes <= 0) return undefined;
    const chunk = await this.input.next();
    if (chunk === undefined) {
      this.leftBytes = 0;
      await this.say('Unexpected EOF in archive', true);
      throw new CommandFailure('Error is not recoverable: exiting now', 2);
    }
    const part = chunk.subarray(0, this.leftBytes);
    this.input.putBack(chunk.subarray(part.length));
    this.leftBytes -= part.length;
    this.position += part.length;
    return part;
  }

  /** Content that is itself a name or a header. */
  private async small({ sizeBytes }: TarHeader): Promise<Buffer> {
    if (sizeBytes > maxNameBytes) {
      await this.say(`a name or extended header of ${sizeBytes} bytes: this is a limit of the sandbox`, true);
      throw new CommandFailure('Error is not recoverable: exiting now', 2);
    }
    this.leftBytes = sizeBytes + paddingOf(sizeBytes);
    const parts: Uint8Array[] = [];
    for (let part = await this.contentChunk(); part !== undefined; part = await this.contentChunk())
      parts.push(part);
    return Buffer.concat(parts).subarray(0, sizeBytes);
  }

  /** Old GNU sparse files: each block of the map says whether one more follows. */
  private async skipSparseMap(): Promise<void> {
    for (let more = this.isExtended; more; ) {
      const block = await this.block();
      more = block !== undefined && block[504] !== 0;
    }
  }
}
