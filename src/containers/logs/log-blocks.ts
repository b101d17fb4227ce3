import { LogBlock, newline, type RecordHead, recordHeadBytes } from './log-block.js';

/** A position in a log: a block by its number, the start of a record in it, and how much of the text was read. */
export interface LogPlace {
  readonly block: number;
  readonly at: number;
  readonly into: number;
}

const firstBlockBytes = 1024;
const blockBytes = 64 * 1024;

/** The blocks of a log, oldest first, numbered over its whole life. */
export class LogBlocks {
  private readonly blocks: LogBlock[] = [new LogBlock(0, firstBlockBytes)];
  private firstNumber = 0;
  private heldBytes = firstBlockBytes;
  /** Of the newest record. */
  private newest: (RecordHead & { readonly at: number; readonly isWhole: boolean }) | undefined;

  /** Undefined when it was dropped, or does not exist yet. */
  get(number: number): LogBlock | undefined {
    return this.blocks[number - this.firstNumber];
  }

  /** Bytes that were ever written: text and heads of records. */
  get endBytes(): number {
    return this.last.from + this.last.usedBytes;
  }

  /** The memory that all blocks take. */
  get capacityBytes(): number {
    return this.heldBytes;
  }

  get endPlace(): LogPlace {
    const { newest, last } = this;
    return {
      block: this.lastNumber,
      at: newest?.at ?? 0,
      into: newest === undefined ? 0 : last.textBytes(newest.at),
    };
  }

  append(head: RecordHead, bytes: Uint8Array): void {
    let { startsLine } = head;
    for (let start = 0; start < bytes.length; ) {
      const rest = bytes.subarray(start);
      const extended = startsLine ? this.extend(head, rest) : 0;
      const taken = extended > 0 ? extended : this.add({ ...head, startsLine }, rest);
      start += taken;
      startsLine = bytes[start - 1] === newline;
    }
  }

  /** Bytes that were written before a place whose block is still there. */
  bytesBefore({ block, at, into }: LogPlace): number {
    const { from = 0 } = this.get(block) ?? {};
    return from + at + (into > 0 ? recordHeadBytes + into : 0);
  }

  /** A position at least so many bytes later, at the start of a line if possible. The newest record stays. */
  skip(from: LogPlace, bytes: number): { readonly place: LogPlace; readonly skippedTextBytes: number } {
    let place = from;
    let left = bytes;
    let skippedTextBytes = 0;
    for (;;) {
      const block = this.get(place.block);
      if (block === undefined) break;
      const text = block.text(place.at);
      const { into } = place;
      const head = into > 0 || text.length === 0 ? 0 : recordHeadBytes;
      const midLine = into === 0 && !block.head(place.at).startsLine;
      if (left <= 0 && !midLine) break;
      const next = text.indexOf(newline, into + Math.max(0, left - head - 1)) + 1;
      if (next > 0 && next < text.length) {
        skippedTextBytes += next - into;
        place = { ...place, into: next };
        break;
      }
      const after = this.recordAfter(place);
      // A line that is longer than its record stays cut.
      if (after === undefined || (left <= 0 && next === 0)) break;
      skippedTextBytes += text.length - into;
      left -= head + text.length - into;
      place = after;
    }
    return { place, skippedTextBytes };
  }

  /** The start of the last `lines` lines, but not before `start`. A last line without its newline counts. */
  lastLines(lines: number, start: LogPlace): LogPlace {
    let found = this.endPlace;
    let left = lines;
    for (let number = this.lastNumber; number >= start.block; number--) {
      const block = this.get(number);
      for (const at of block?.records().reverse() ?? []) {
        const isFirst = number === start.block && at === start.at;
        if (block === undefined || (number === start.block && at < start.at)) return found;
        const text = block.text(at);
        const least = isFirst ? start.into : 0;
        for (let end = text.length; end > least; ) {
          if (left === 0) return found;
          const line = Math.max(least, end < 2 ? 0 : text.lastIndexOf(newline, end - 2) + 1);
          found = { block: number, at, into: line };
          if (line > 0 || block.head(at).startsLine) left--;
          end = line;
        }
      }
    }
    return found;
  }

  dropBefore(number: number): void {
    while (this.firstNumber < number) this.drop();
  }

  /** Drops the oldest blocks, but only blocks before `kept`, until the rest takes at most `bytes`. */
  dropBeyond(bytes: number, kept: number): void {
    while (this.heldBytes > bytes && this.firstNumber < kept) this.drop();
  }

  /** The record after that of a position. */
  recordAfter({ block: number, at }: LogPlace): LogPlace | undefined {
    const block = this.get(number);
    if (block === undefined) return undefined;
    const next = at + recordHeadBytes + block.textBytes(at);
    if (next < block.usedBytes) return { block: number, at: next, into: 0 };
    return number < this.lastNumber ? { block: number + 1, at: 0, into: 0 } : undefined;
  }

  private get lastNumber(): number {
    return this.firstNumber + this.blocks.length - 1;
  }

  private get last(): LogBlock {
    const last = this.blocks.at(-1);
    if (last === undefined) throw new RangeError('a log has one block at least');
    return last;
  }

  /** Extends the newest record by what fits; only whole lines of the same time share a record. */
  private extend({ timeMs, stream }: RecordHead, bytes: Uint8Array): number {
    const { newest, last } = this;
    if (newest === undefined || !newest.isWhole) return 0;
    if (newest.timeMs !== timeMs || newest.stream !== stream) return 0;
    const text = bytes.subarray(0, wholeLines(bytes, last.room + recordHeadBytes));
    if (text.length === 0) return 0;
    last.extend(newest.at, text);
    this.newest = { ...newest, isWhole: text.at(-1) === newline };
    return text.length;
  }

  private add(head: RecordHead, bytes: Uint8Array): number {
    if (bytes.length > this.last.room && wholeLines(bytes, this.last.room) === 0) this.grow(bytes.length);
    const { last } = this;
    const text = bytes.subarray(0, wholeLines(bytes, last.room) || last.room);
    const at = last.usedBytes;
    last.add(head, text);
    this.newest = { ...head, at, isWhole: text.at(-1) === newline };
    return text.length;
  }

  /** The first blocks of a log are small, because most logs are. */
  private grow(textBytes: number): void {
    const capacity = Math.min(blockBytes, Math.max(this.heldBytes, recordHeadBytes + textBytes));
    this.blocks.push(new LogBlock(this.endBytes, capacity));
    this.heldBytes += capacity;
  }

  private drop(): void {
    this.heldBytes -= this.blocks.shift()?.capacityBytes ?? 0;
    this.firstNumber++;
  }
}

/** How much of `bytes` fits into `room`: all of it, or as many whole lines as fit. */
function wholeLines(bytes: Uint8Array, room: number): number {
  if (bytes.length <= room) return bytes.length;
  return room <= 0 ? 0 : bytes.lastIndexOf(newline, room - 1) + 1;
}
