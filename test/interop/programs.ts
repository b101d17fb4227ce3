import { existsSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders of Konnectivity's own programs, separated as in PATH: one for each version. */
export const variable = 'KONNECTIVITY_BIN';

/** One build of the programs, and what its version changes for those who watch from outside. */
export interface Build {
  /** `ours`, or the name of its folder: `v0.36.0`. */
  readonly name: string;
  readonly server: readonly string[];
  readonly agent: readonly string[];
  /** Konnectivity's `proxy-test-client`; absent if the folder has none. */
  readonly testClient?: string;
  /** The server answers CONNECT when the dial is over; v0.30 said 200 at once. */
  readonly answersAfterDial: boolean;
  /** The agent drains at SIGTERM; before v0.31 it ended. */
  readonly drains: boolean;
}

export type Mode = 'grpc' | 'http-connect';
export type Transport = 'uds' | 'tcp';

export interface Cell {
  readonly server: Build;
  readonly agent: Build;
  readonly mode: Mode;
  readonly transport: Transport;
  readonly testClient: string | undefined;
}

const modes: readonly Mode[] = ['grpc', 'http-connect'];
const transports: readonly Transport[] = ['uds', 'tcp'];

const ours: Build = {
  name: 'ours',
  server: [process.execPath, program('proxy-server')],
  agent: [process.execPath, program('proxy-agent')],
  answersAfterDial: true,
  drains: true,
};

function program(name: string): string {
  return fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
}

/** Throws when a folder lacks a program: whoever sets the variable wants these cells, not a silent pass. */
export function realBuilds(folders: string | undefined): readonly Build[] {
  return (folders ?? '').split(delimiter).filter(Boolean).map(realBuild);
}

function realBuild(folder: string): Build {
  const [server, agent, client] = ['proxy-server', 'proxy-agent', 'proxy-test-client'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  for (const path of [server, agent]) {
    if (!existsSync(path)) throw new Error(`${variable}: no such program: ${path}`);
  }
  const minor = minorOf(basename(folder));
  return {
    name: basename(folder),
    server: [server],
    agent: [agent],
    ...(existsSync(client) ? { testClient: client } : {}),
    answersAfterDial: minor >= 33,
    drains: minor >= 31,
  };
}

/** 36 of `v0.36.0`; a name that is no version is taken for the newest. */
function minorOf(name: string): number {
  const minor = /^v?0\.(\d+)\./.exec(name)?.[1];
  return minor === undefined ? Number.POSITIVE_INFINITY : Number(minor);
}

/** Our pair, then for each build: each of our programs with the other's peer, and its own pair as the measure. */
export function cellsOf(builds: readonly Build[]): readonly Cell[] {
  const client = builds.find(({ testClient }) => testClient !== undefined)?.testClient;
  const own = cellsOfPair(ours, ours, client);
  const others = builds.flatMap((real) => [
    ...cellsOfPair(ours, real, real.testClient),
    ...cellsOfPair(real, ours, real.testClient),
    ...cellsOfPair(real, real, real.testClient),
  ]);
  return [...own, ...others];
}

function cellsOfPair(server: Build, agent: Build, testClient: string | undefined): readonly Cell[] {
  return modes.flatMap((mode) =>
    transports.map((transport) => ({ server, agent, mode, transport, testClient })),
  );
}

export function cellName({ server, agent, mode, transport }: Cell): string {
  return `server ${server.name}, agent ${agent.name}, ${mode} over ${transport}`;
}
