import type { Random } from '../../src/core/random.js';

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) bytes[index] = random.below(256);
  return bytes;
}

type Mutation = (random: Random, bytes: Buffer) => Buffer;

/** Puts `inserted` in place of `dropped` bytes at `at`. */
function splice(bytes: Buffer, at: number, dropped: number, inserted: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + dropped)]);
}

const anywhere = (random: Random, bytes: Buffer): number => random.below(bytes.length + 1);

/** 1 to 12 bytes that go on, and perhaps one that ends: varints that are longer than they need or may be. */
function overlong(random: Random): Buffer {
  const body = Buffer.alloc(1 + random.below(12), random.below(2) === 0 ? 0x80 : 0xff);
  return random.below(3) === 0 ? body : Buffer.concat([body, Buffer.from([random.below(128)])]);
}

const mutations: readonly Mutation[] = [
  function flipBit(random, bytes) {
    if (bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  function truncate(random, bytes) {
    return bytes.subarray(0, anywhere(random, bytes));
  },
  function replace(random, bytes) {
    return splice(bytes, anywhere(random, bytes), 1, randomBytes(random, 1));
  },
  function insert(random, bytes) {
    return splice(bytes, anywhere(random, bytes), 0, randomBytes(random, 1 + random.below(4)));
  },
  function drop(random, bytes) {
    return splice(bytes, anywhere(random, bytes), 1 + random.below(4), Buffer.alloc(0));
  },
  function repeat(random, bytes) {
    const at = anywhere(random, bytes);
    return splice(bytes, at, 0, bytes.subarray(at, at + random.below(8)));
  },
  function stretch(random, bytes) {
    return splice(bytes, anywhere(random, bytes), random.below(2), overlong(random));
  },
  /** A field of wire type 2 that says it is up to 4 GiB long. */
  function lie(random, bytes) {
    const field = Buffer.from([(random.below(16) << 3) | 2, 0xff, 0xff, 0xff, 0xff, random.below(16)]);
    return splice(bytes, anywhere(random, bytes), 0, field);
  },
  /** The message as a field of a message, some levels deep. */
  function nest(random, bytes) {
    let nested = bytes;
    for (let level = random.below(20); level > 0 && nested.length < 128; level -= 1) {
      nested = Buffer.concat([Buffer.from([((1 + random.below(8)) << 3) | 2, nested.length]), nested]);
    }
    return nested;
  },
];

/** The bytes with one thing changed. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  return mutations[random.below(mutations.length)]?.(random, bytes) ?? bytes;
}
