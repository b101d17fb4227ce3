import { fuzzAgent } from './agent-side.js';
import { fuzzAnswer } from './answer-side.js';
import { fuzzClient } from './client-side.js';
import { fuzzCodec } from './codec-side.js';
import { fuzzConnect } from './connect-side.js';
import { fuzzFacadeBodies } from './facade-body-side.js';
import { fuzzHeads } from './head-side.js';
import { fuzzHttp } from './http-side.js';
import type { FuzzSide } from './run-side.js';
import { fuzzServer } from './server-side.js';
import { fuzzShell } from './shell-side.js';
import { fuzzStreams } from './streams-side.js';
import { fuzzTar } from './tar-side.js';
import { fuzzTls } from './tls-side.js';

/** Every party that reads what a peer sends, by the name that `--side` knows. */
export const sides: ReadonlyMap<string, FuzzSide> = new Map<string, FuzzSide>([
  ['codec', fuzzCodec],
  ['server', fuzzServer],
  ['agent', fuzzAgent],
  ['client', fuzzClient],
  ['connect', fuzzConnect],
  ['connect-answer', fuzzAnswer],
  ['connect-head', fuzzHeads],
  ['streams', fuzzStreams],
  ['facade-body', fuzzFacadeBodies],
  ['tls', fuzzTls],
  ['http-head', fuzzHttp],
  ['tar', fuzzTar],
  ['shell', fuzzShell],
]);

/** How many packets of a machine take as long as one of a side that works with sockets, files or programs. */
export const costs: Readonly<Record<string, number>> = {
  'connect-head': 13,
  streams: 7,
  'facade-body': 33,
  tls: 67,
  'http-head': 25,
  tar: 40,
  shell: 1000,
};
