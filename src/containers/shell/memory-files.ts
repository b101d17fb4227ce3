import { posix } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { ByteString, FileContent, FsStat, IFileSystem, InitialFiles } from './bash-library.js';
import {
  type FileNode,
  type FolderNode,
  fileError,
  kindOf,
  type Place,
  pathOf,
  statOf,
  type TreeNode,
  walk,
} from './file-tree.js';

type Options<K extends keyof IFileSystem> = IFileSystem[K] extends (...args: infer A) => unknown ? A : never;
type Encoding = Exclude<NonNullable<Options<'readFile'>[1]>, object>;
type Entries = ReturnType<NonNullable<IFileSystem['readdirWithFileTypes']>>;
type WithEncoding = { readonly encoding?: Encoding | null } | Encoding | undefined;

/** What the interpreter may say about a file that it makes at the start. */
interface Metadata {
  readonly mode?: number | undefined;
  readonly mtime?: Date | undefined;
}

const encodingOf = (options: WithEncoding): Encoding =>
  (typeof options === 'string' ? options : options?.encoding) ?? 'utf8';

/** The bytes of content that a shell or a command wrote. */
export function contentBytes(content: FileContent, options?: WithEncoding): Uint8Array {
  if (typeof content !== 'string') return content;
  const encoding = encodingOf(options);
  return Buffer.from(content, encoding === 'binary' ? 'latin1' : encoding);
}

interface Packed {
  readonly root: FolderNode;
  readonly bytes: number;
  readonly nodes: number;
  readonly lastIdentity: number;
}

/** In memory, as a tree: costs depend on the path's length. Errors are Node's own; ENOSPC beyond `limitBytes`. */
export class MemoryFiles implements IFileSystem {
  private readonly limitBytes: number;
  private root: FolderNode;
  private lastIdentity = 0;
  private bytes = 0;
  private nodes = 0;

  constructor(initial: InitialFiles, limitBytes: number) {
    this.limitBytes = limitBytes;
    this.root = this.folder();
    for (const [path, content] of Object.entries(initial)) {
      if (typeof content === 'string' || content instanceof Uint8Array) this.writeFileSync(path, content);
    }
  }

  /** Restores a file system from the bytes that `pack` made. */
  static unpack(packed: Uint8Array, limitBytes: number): MemoryFiles {
    const files = new MemoryFiles({}, limitBytes);
    const { root, bytes, nodes, lastIdentity } = deserialize(packed) as Packed;
    return Object.assign(files, { root, bytes, nodes, lastIdentity });
  }

  /** The whole file system as bytes, in a new buffer. */
  pack(): Uint8Array {
    const { root, bytes, nodes, lastIdentity } = this;
    for (const [, node] of this.everything()) {
      if (node.kind === 'file') node.buffer = node.buffer.subarray(0, node.size);
    }
    return Uint8Array.from(serialize({ root, bytes, nodes, lastIdentity } satisfies Packed));
  }

  get usedBytes(): number {
    return this.bytes;
  }

  /** Files, folders and links. */
  get entries(): number {
    return this.nodes;
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    const node = this.existing(path, 'open');
    if (node.kind === 'file') return node.buffer.subarray(0, node.size);
    throw fileError('EISDIR', 'read', path);
  }

  async readFile(path: string, options?: Options<'readFile'>[1]): Promise<string> {
    const bytes = await this.readFileBuffer(path);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(encodingOf(options));
  }

  /** A byte string has one character for each byte. */
  async readFileBytes(path: string): Promise<ByteString> {
    return (await this.readFile(path, 'latin1')) as unknown as ByteString;
  }

  async writeFile(path: string, content: FileContent, options?: Options<'writeFile'>[2]): Promise<void> {
    this.write(walk(this.root, path, 'open'), path, contentBytes(content, options));
  }

  /** Makes missing parent folders too: the interpreter needs that for a new file system. */
  writeFileSync(path: string, content: FileContent, options?: WithEncoding, metadata: Metadata = {}): void {
    this.mkdirSync(posix.dirname(posix.resolve('/', path)), { recursive: true });
    const encoding = { encoding: encodingOf(options) };
    const node = this.write(walk(this.root, path, 'open'), path, contentBytes(content, encoding));
    node.mode = metadata.mode ?? node.mode;
    node.mtime = metadata.mtime ?? node.mtime;
  }

  async appendFile(path: string, content: FileContent, options?: Options<'appendFile'>[2]): Promise<void> {
    const place = walk(this.root, path, 'open');
    const bytes = contentBytes(content, options);
    const { node } = place;
    if (node?.kind !== 'file') return void this.write(place, path, bytes);
    this.allocate(bytes.length);
    const size = node.size + bytes.length;
    if (size > node.buffer.length) {
      const grown = new Uint8Array(Math.max(size, Math.min(node.buffer.length * 2, this.limitBytes)));
      grown.set(node.buffer.subarray(0, node.size));
      node.buffer = grown;
    }
    node.buffer.set(bytes, node.size);
    node.size = size;
    node.mtime = new Date();
  }

  async exists(path: string): Promise<boolean> {
    try {
      return walk(this.root, path, 'access').node !== undefined;
    } catch {
      return false;
    }
  }

  async stat(path: string): Promise<FsStat> {
    return statOf(this.existing(path, 'stat'));
  }

  async lstat(path: string): Promise<FsStat> {
    return statOf(this.existing(path, 'lstat', false));
  }

  async realpath(path: string): Promise<string> {
    const place = walk(this.root, path, 'realpath');
    if (place.node === undefined) throw fileError('ENOENT', 'realpath', path);
    return pathOf(place);
  }

  async mkdir(path: string, options?: Options<'mkdir'>[1]): Promise<void> {
    this.mkdirSync(path, options);
  }

  mkdirSync(path: string, options?: Options<'mkdir'>[1]): void {
    const recursive = options?.recursive === true;
    const parent = posix.dirname(path);
    if (recursive && parent !== path && !this.has(parent)) this.mkdirSync(parent, options);
    // A link is in the way, even one to nothing. Only a link to a folder will do, and only with `recursive`.
    const place = walk(this.root, path, 'mkdir', false);
    if (place.node === undefined) this.add(place, this.folder());
    else if (!recursive || !this.isFolder(path)) throw fileError('EEXIST', 'mkdir', path);
  }

  private isFolder(path: string): boolean {
    return walk(this.root, path, 'mkdir').node?.kind === 'folder';
  }

  async readdir(path: string): Promise<string[]> {
    return (await this.readdirWithFileTypes(path)).map(({ name }) => name);
  }

  async readdirWithFileTypes(path: string): Entries {
    const node = this.existing(path, 'scandir');
    if (node.kind !== 'folder') throw fileError('ENOTDIR', 'scandir', path);
    const entries = [...node.children].map(([name, child]) => ({ name, ...kindOf(child) }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async rm(path: string, options?: Options<'rm'>[1]): Promise<void> {
    const place = walk(this.root, path, 'rm', false);
    const { node } = place;
    if (node === undefined && options?.force === true) return;
    if (node === undefined) throw fileError('ENOENT', 'rm', path);
    const isFull = node.kind === 'folder' && node.children.size > 0;
    if (isFull && options?.recursive !== true) throw fileError('ENOTEMPTY', 'rm', path);
    if (node === this.root) throw fileError('EPERM', 'rm', path);
    this.remove(place);
  }

  async cp(source: string, target: string, options?: Options<'cp'>[2]): Promise<void> {
    const from = walk(this.root, source, 'cp', false);
    if (from.node === undefined) throw fileError('ENOENT', 'cp', source);
    if (from.node.kind === 'folder' && options?.recursive !== true) throw fileError('EISDIR', 'cp', source);
    const to = walk(this.root, target, 'cp', from.node.kind === 'file');
    if (contains(from, to)) throw fileError('EINVAL', 'cp', source);
    this.copy(from.node, to, target);
  }

  async mv(source: string, target: string): Promise<void> {
    const from = walk(this.root, source, 'mv', false);
    const to = walk(this.root, target, 'mv', false);
    const { node } = from;
    if (node === undefined) throw fileError('ENOENT', 'mv', source);
    if (node === to.node) return;
    if (node === this.root || contains(from, to)) throw fileError('EINVAL', 'mv', source);
    if (to.node?.kind === 'folder' && to.node.children.size > 0) throw fileError('ENOTEMPTY', 'mv', target);
    if (to.node !== undefined) this.remove(to);
    from.folder.children.delete(from.name);
    to.folder.children.set(to.name, node);
  }

  resolvePath(base: string, path: string): string {
    return posix.resolve('/', base, path);
  }

  getAllPaths(): string[] {
    return [...this.everything()].map(([path]) => path || '/');
  }

  async chmod(path: string, mode: number): Promise<void> {
    this.existing(path, 'chmod').mode = mode;
  }

  async symlink(target: string, path: string): Promise<void> {
    const place = walk(this.root, path, 'symlink', false);
    if (place.node !== undefined) throw fileError('EEXIST', 'symlink', path);
    this.add(place, { ...this.common(0o777), kind: 'link', target });
  }

  async link(existing: string, path: string): Promise<void> {
    const { node } = walk(this.root, existing, 'link', false);
    const place = walk(this.root, path, 'link', false);
    if (node === undefined) throw fileError('ENOENT', 'link', existing);
    if (node.kind !== 'file') throw fileError('EPERM', 'link', existing);
    if (place.node !== undefined) throw fileError('EEXIST', 'link', path);
    node.links++;
    this.add(place, node);
  }

  async readlink(path: string): Promise<string> {
    const node = this.existing(path, 'readlink', false);
    if (node.kind === 'link') return node.target;
    throw fileError('EINVAL', 'readlink', path);
  }

  async utimes(path: string, _atime: Date, mtime: Date): Promise<void> {
    this.existing(path, 'utimes').mtime = mtime;
  }

  private *everything(): Generator<readonly [path: string, node: TreeNode]> {
    const nextNodes: [string, TreeNode][] = [['', this.root]];
    for (let next = nextNodes.pop(); next !== undefined; next = nextNodes.pop()) {
      yield next;
      const [path, node] = next;
      if (node.kind !== 'folder') continue;
      for (const [name, child] of node.children) nextNodes.push([`${path}/${name}`, child]);
    }
  }

  private has(path: string): boolean {
    try {
      return walk(this.root, path, 'access').node !== undefined;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return false;
      throw error;
    }
  }

  private existing(path: string, call: string, follow = true): TreeNode {
    const { node } = walk(this.root, path, call, follow);
    if (node === undefined) throw fileError('ENOENT', call, path);
    return node;
  }

  private common(mode: number): { identity: string; mode: number; mtime: Date } {
    return { identity: `memory:${++this.lastIdentity}`, mode, mtime: new Date() };
  }

  private folder(): FolderNode {
    return { ...this.common(0o755), kind: 'folder', children: new Map() };
  }

  private add({ folder, name }: Place, node: TreeNode): void {
    folder.children.set(name, node);
    folder.mtime = new Date();
    this.nodes++;
  }

  private allocate(sizeBytes: number): void {
    if (this.bytes + sizeBytes > this.limitBytes)
      throw Object.assign(new Error(`ENOSPC: no space left on device, limit ${this.limitBytes} bytes`), {
        code: 'ENOSPC',
      });
    this.bytes += sizeBytes;
  }

  private write(place: Place, path: string, content: Uint8Array): FileNode {
    const { node } = place;
    if (node !== undefined && node.kind !== 'file') throw fileError('EISDIR', 'open', path);
    this.allocate(content.length - (node?.size ?? 0));
    const fresh = node ?? { ...this.common(0o644), kind: 'file', buffer: content, size: 0, links: 1 };
    if (node === undefined) this.add(place, fresh);
    // A copy: a chunk may be part of something larger, or change later.
    fresh.buffer = Uint8Array.from(content);
    fresh.size = content.length;
    fresh.mtime = new Date();
    return fresh;
  }

  /** Removes a name and everything below it. */
  private remove({ folder, name, node }: Place): void {
    folder.children.delete(name);
    folder.mtime = new Date();
    const nextNodes = node === undefined ? [] : [node];
    for (let next = nextNodes.pop(); next !== undefined; next = nextNodes.pop()) {
      this.nodes--;
      if (next.kind === 'folder') nextNodes.push(...next.children.values());
      else if (next.kind === 'file' && --next.links === 0) this.bytes -= next.size;
    }
  }

  private copy(node: TreeNode, to: Place, path: string): void {
    if (node.kind === 'file') {
      this.write(to, path, node.buffer.subarray(0, node.size)).mode = node.mode;
    } else if (node.kind === 'link') {
      if (to.node !== undefined) this.remove(to);
      this.add(to, { ...this.common(0o777), kind: 'link', target: node.target });
    } else {
      if (to.node !== undefined && to.node.kind !== 'folder') throw fileError('ENOTDIR', 'cp', path);
      const folder = to.node ?? this.folder();
      if (to.node === undefined) this.add(to, folder);
      folder.mode = node.mode;
      for (const [name, child] of [...node.children]) {
        this.copy(child, { folder, name, node: folder.children.get(name), above: [] }, `${path}/${name}`);
      }
    }
  }
}

/** Whether a copy's target is inside its source. */
function contains(from: Place, to: Place): boolean {
  return from.node?.kind === 'folder' && [...to.above, to].some(({ node }) => node === from.node);
}
