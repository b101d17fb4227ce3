import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import type { ByteString, FileContent, FsStat, IFileSystem } from './bash-library.js';
import { fileError } from './file-tree.js';
import { contentBytes } from './memory-files.js';

type Options<K extends keyof IFileSystem> = IFileSystem[K] extends (...args: infer A) => unknown ? A : never;

/** A path that is a stream, not a file. */
export interface Device {
  read?(): Promise<Uint8Array>;
  write?(bytes: Uint8Array): Promise<void>;
  /** Returns characters, not bytes: `read` treats what it gets as text. */
  readText?(): Promise<string>;
}

/** A process's view of its container's files, with devices that only it has. The file system is made on first use. */
export class ProcessFiles implements IFileSystem {
  private readonly base: () => Promise<IFileSystem>;
  private readonly devices: ReadonlyMap<string, Device>;
  private readonly onBinary: ((path: string) => void) | undefined;

  /** `onBinary` is called with a file that was read and is not UTF-8 text. */
  constructor(
    base: () => Promise<IFileSystem>,
    devices: ReadonlyMap<string, Device>,
    onBinary?: (path: string) => void,
  ) {
    this.base = base;
    this.devices = devices;
    this.onBinary = onBinary;
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    const device = this.devices.get(path);
    if (device !== undefined) return (await device.read?.()) ?? new Uint8Array(0);
    const bytes = await (await this.base()).readFileBuffer(path);
    if (this.onBinary !== undefined && !isUtf8(bytes)) this.onBinary(path);
    return bytes;
  }

  async readFile(path: string, options?: Options<'readFile'>[1]): Promise<string> {
    const encoding = typeof options === 'string' ? options : (options?.encoding ?? 'utf8');
    return Buffer.from(await this.readFileBuffer(path)).toString(encoding);
  }

  /** A byte string has one character for each byte. */
  async readFileBytes(path: string): Promise<ByteString> {
    const text = await this.devices.get(path)?.readText?.();
    if (text !== undefined) return text as unknown as ByteString;
    return Buffer.from(await this.readFileBuffer(path)).toString('latin1') as unknown as ByteString;
  }

  async writeFile(path: string, content: FileContent, options?: Options<'writeFile'>[2]): Promise<void> {
    if (this.devices.has(path)) return this.writeDevice(path, contentBytes(content, options));
    await (await this.withParent(path)).writeFile(path, content, options);
  }

  async appendFile(path: string, content: FileContent, options?: Options<'appendFile'>[2]): Promise<void> {
    if (this.devices.has(path)) return this.writeDevice(path, contentBytes(content, options));
    await (await this.withParent(path)).appendFile(path, content, options);
  }

  resolvePath(base: string, path: string): string {
    return posix.resolve('/', base, path);
  }

  getAllPaths(): string[] {
    return [];
  }

  async exists(path: string): Promise<boolean> {
    return this.devices.has(path) || (await this.base()).exists(path);
  }

  async stat(path: string): Promise<FsStat> {
    return this.devices.has(path) ? deviceStat : (await this.base()).stat(path);
  }

  async lstat(path: string): Promise<FsStat> {
    return this.devices.has(path) ? deviceStat : (await this.base()).lstat(path);
  }

  async realpath(path: string): Promise<string> {
    return this.devices.has(path) ? path : (await this.base()).realpath(path);
  }

  async mkdir(...args: Options<'mkdir'>): Promise<void> {
    await (await this.base()).mkdir(...args);
  }

  async readdir(path: string): Promise<string[]> {
    return (await this.base()).readdir(path);
  }

  async rm(...args: Options<'rm'>): Promise<void> {
    await (await this.base()).rm(...args);
  }

  async cp(...args: Options<'cp'>): Promise<void> {
    await (await this.base()).cp(...args);
  }

  async mv(...args: Options<'mv'>): Promise<void> {
    await (await this.base()).mv(...args);
  }

  async chmod(...args: Options<'chmod'>): Promise<void> {
    await (await this.base()).chmod(...args);
  }

  async symlink(...args: Options<'symlink'>): Promise<void> {
    await (await this.base()).symlink(...args);
  }

  async link(...args: Options<'link'>): Promise<void> {
    await (await this.base()).link(...args);
  }

  async readlink(path: string): Promise<string> {
    return (await this.base()).readlink(path);
  }

  async utimes(...args: Options<'utimes'>): Promise<void> {
    await (await this.base()).utimes(...args);
  }

  /** The file system itself would make missing parent folders of a new file; a real one does not. */
  private async withParent(path: string): Promise<IFileSystem> {
    const base = await this.base();
    if (await base.exists(posix.dirname(path))) return base;
    throw fileError('ENOENT', 'open', path);
  }

  private async writeDevice(path: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.devices.get(path)?.write?.(bytes);
  }
}

const deviceStat: FsStat = {
  isFile: true,
  isDirectory: false,
  isSymbolicLink: false,
  mode: 0o620,
  size: 0,
  mtime: new Date(0),
};
