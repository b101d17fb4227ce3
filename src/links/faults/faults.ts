import { corrupt } from './corrupt.js';
import { drop } from './drop.js';
import { expire } from './expire.js';
import { fin } from './fin.js';
import { forget } from './forget.js';
import { freeze } from './freeze.js';
import { halfOpen } from './half-open.js';
import { latency } from './latency.js';
import { loss } from './loss.js';
import { rate } from './rate.js';
import { refuse } from './refuse.js';
import { reset } from './reset.js';
import { sizeLimit } from './size-limit.js';
import { slice } from './slice.js';
import { slowClose } from './slow-close.js';
import { synDrop } from './syn-drop.js';

/** Every fault of a link, by the name that stands in `do`. */
export const faults = {
  latency,
  rate,
  slice,
  loss,
  freeze,
  drop,
  expire,
  halfOpen,
  fin,
  reset,
  slowClose,
  corrupt,
  sizeLimit,
  refuse,
  synDrop,
  forget,
} as const;

export type LinkFaultName = keyof typeof faults;
