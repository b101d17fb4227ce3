import { fuzzAgent } from './agent-side.js';
import { fuzzAnswer } from './answer-side.js';
import { fuzzClient } from './client-side.js';
import { fuzzCodec } from './codec-side.js';
import { fuzzConnect } from './connect-side.js';
import { fuzzHeads } from './head-side.js';
import type { FuzzSide } from './run-side.js';
import { fuzzServer } from './server-side.js';
import { fuzzShell } from './shell-side.js';
import { fuzzTar } from './tar-side.js';

/** Every party that reads what a peer sends, by the name that `--side` knows. */
export const sides: ReadonlyMap<string, FuzzSide> = new Map<string, FuzzSide>([
  ['codec', fuzzCodec],
  ['server', fuzzServer],
  ['agent', fuzzAgent],
  ['client', fuzzClient],
  ['connect', fuzzConnect],
  ['connect-answer', fuzzAnswer],
  ['connect-head', fuzzHeads],
  ['tar', fuzzTar],
  ['shell', fuzzShell],
]);

/** How many packets of a machine take as long as one of a side that works with sockets, files or programs. */
export const costs: Readonly<Record<string, number>> = { 'connect-head': 13, tar: 40, shell: 1000 };
