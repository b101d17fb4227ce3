import { commandTable } from '../commands/table.js';
import type { InitialFiles } from './bash-library.js';
import { MemoryFiles } from './memory-files.js';

/** The shell library: parser, interpreter, in-memory file system and its own set of commands. */
export type ShellLibrary = typeof import('./bash-library.js');

/** Loads the library. That takes about 80 ms, so it is loaded only when a shell or a file is needed. */
export function loadShellLibrary(): Promise<ShellLibrary> {
  return import('./bash-library.js');
}

/** Programs on the path that are in neither table: shells, and builtins of a shell. */
const builtIn = ['sh', 'bash', 'test', '[', 'pwd', 'printf'];

/** The names of all programs that a new container has. */
export function programNames(library: ShellLibrary): ReadonlySet<string> {
  return new Set([...library.getCommandNames(), ...commandTable.keys(), ...builtIn]);
}

export interface FileSystemOptions {
  readonly hostname: string;
  readonly address: string;
  readonly files?: InitialFiles;
}

/** The limit for all files of a container together. */
const maxTotalBytes = 256 * 1024 ** 2;

/** A new file system with the usual folders of a small Linux image. */
export function createFileSystem(library: ShellLibrary, options: FileSystemOptions): MemoryFiles {
  const initial = { ...baseFiles(options.hostname, options.address), ...options.files };
  const files = new MemoryFiles(initial, maxTotalBytes);
  for (const path of ['/tmp', '/root', '/home', '/var/log', '/var/run', '/opt', '/mnt', '/srv']) {
    files.mkdirSync(path, { recursive: true });
  }
  // The interpreter finds programs along $PATH; its constructor and these stubs put them there.
  new library.Bash({ fs: files, cwd: '/', commands: library.getCommandNames(), defenseInDepth: false });
  for (const name of programNames(library)) {
    for (const folder of ['/bin', '/usr/bin'])
      files.writeFileSync(`${folder}/${name}`, '', undefined, { mode: 0o755 });
  }
  return files;
}

/** A file system from the bytes that `pack` made. */
export function unpackFileSystem(packed: Uint8Array): MemoryFiles {
  return MemoryFiles.unpack(packed, maxTotalBytes);
}

function baseFiles(hostname: string, address: string): InitialFiles {
  return {
    '/etc/hostname': `${hostname}\n`,
    '/etc/hosts': `127.0.0.1\tlocalhost\n::1\tlocalhost\n${address}\t${hostname}\n`,
    '/etc/os-release': 'NAME="konnsim sandbox"\nID=konnsim\nPRETTY_NAME="konnsim sandbox"\n',
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    '/etc/group': 'root:x:0:\n',
    '/etc/resolv.conf':
      'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n',
  };
}
