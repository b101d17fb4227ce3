import type { Cell } from './cell.js';
import { execCells } from './cells-exec.js';
import { fileCells } from './cells-files.js';
import { forwardCells } from './cells-forward.js';
import { readCells } from './cells-read.js';
import { writeCells } from './cells-write.js';

/** The rows of the table, in its order. */
export const cells: readonly Cell[] = [
  ...readCells,
  ...execCells,
  ...forwardCells,
  ...fileCells,
  ...writeCells,
];
