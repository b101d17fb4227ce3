import type { CellRequest } from './requests.js';
import type { Row } from './results.js';

/** A measurement, without its times and processes. */
export type Cell = Omit<CellRequest, 'warmUpMs' | 'windowMs' | 'pids'>;

/** What is measured of every chain in every round. */
export const cells = {
  upload: { cell: 'upload', connections: 1 },
  download: { cell: 'download', connections: 1 },
  'upload-100': { cell: 'upload', connections: 100 },
  'download-100': { cell: 'download', connections: 100 },
  'small-writes': { cell: 'upload', connections: 1, writeBytes: 256 },
  'ping-pong': { cell: 'ping-pong', connections: 1 },
  'ping-pong-loaded': { cell: 'ping-pong', connections: 1, singleUse: true, downloadsBeside: 4 },
  dials: { cell: 'dials', connections: 50 },
  'single-use-dials': { cell: 'single-use-dials', connections: 50 },
} as const satisfies Readonly<Record<string, Cell>>;

export const idleCell = 'idle-agents';

const bulk = { unit: 'MB/s', field: 'rate', digits: 0 };
const cpu = { unit: 'CPU s/GB', field: 'cpuSecondsPerGb', digits: 2 };
const cpuOfDial = { unit: 'CPU ms', digits: 2 };
const idle = { cell: idleCell, unit: 'KiB RSS', digits: 0 };

export const rows: readonly Row[] = [
  { title: 'upload, 1 connection', cell: 'upload', ...bulk },
  { title: 'download, 1 connection', cell: 'download', ...bulk },
  { title: 'upload, 100 connections', cell: 'upload-100', ...bulk },
  { title: 'download, 100 connections', cell: 'download-100', ...bulk },
  { title: 'upload in writes of 256 B', cell: 'small-writes', ...bulk },
  { title: 'upload, 1 connection', cell: 'upload', ...cpu },
  { title: 'download, 1 connection', cell: 'download', ...cpu },
  { title: 'upload, 100 connections', cell: 'upload-100', ...cpu },
  { title: 'download, 100 connections', cell: 'download-100', ...cpu },
  { title: 'ping-pong of 64 B, p50', cell: 'ping-pong', unit: 'us', field: 'p50Us', digits: 0 },
  { title: 'ping-pong of 64 B, p99', cell: 'ping-pong', unit: 'us', field: 'p99Us', digits: 0 },
  {
    title: 'the same beside 4 downloads, p50',
    cell: 'ping-pong-loaded',
    unit: 'us',
    field: 'p50Us',
    digits: 0,
  },
  {
    title: 'the same beside 4 downloads, p99',
    cell: 'ping-pong-loaded',
    unit: 'us',
    field: 'p99Us',
    digits: 0,
  },
  { title: 'dials, 50 at once', cell: 'dials', unit: '1/s', field: 'rate', digits: 0 },
  { title: 'each, server and agent', cell: 'dials', field: 'hopsMs', ...cpuOfDial },
  { title: 'each, client', cell: 'dials', field: 'clientMs', ...cpuOfDial },
  { title: 'single-use dials, 50 at once', cell: 'single-use-dials', unit: '1/s', field: 'rate', digits: 0 },
  { title: 'each, server and agent', cell: 'single-use-dials', field: 'hopsMs', ...cpuOfDial },
  { title: 'each, client', cell: 'single-use-dials', field: 'clientMs', ...cpuOfDial },
  { title: 'server, each idle agent', ...idle, field: 'server' },
  { title: 'our agents, each idle one', ...idle, field: 'agent' },
  { title: 'agents connecting, 20 at once', cell: idleCell, unit: '1/s', field: 'rate', digits: 0 },
];
