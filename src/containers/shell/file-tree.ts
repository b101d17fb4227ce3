import { Buffer } from 'node:buffer';
import type { FsStat } from './bash-library.js';

interface Common {
  readonly identity: string;
  mode: number;
  mtime: Date;
}

export interface FileNode extends Common {
  readonly kind: 'file';
  /** The content is its first `size` bytes; the rest is room to grow. Written bytes never change. */
  buffer: Uint8Array;
  size: number;
  /** The number of names that the file has. */
  links: number;
}

export interface FolderNode extends Common {
  readonly kind: 'folder';
  readonly children: Map<string, TreeNode>;
}

export interface LinkNode extends Common {
  readonly kind: 'link';
  readonly target: string;
}

export type TreeNode = FileNode | FolderNode | LinkNode;

/** Where a path leads: a name in a folder that exists, and the node there, if any. */
export interface Place {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: TreeNode | undefined;
  /** The folders above it, the root first. */
  readonly above: readonly Place[];
}

const texts = {
  EEXIST: 'file already exists',
  EINVAL: 'invalid argument',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EPERM: 'operation not permitted',
} as const;

/** An error as in Node's own file system, with the code at the start: programs look for it in the text. */
export function fileError(code: keyof typeof texts, call: string, path: string): Error {
  const shown = path.length > 300 ? `${path.slice(0, 300)}…` : path;
  return Object.assign(new Error(`${code}: ${texts[code]}, ${call} '${shown}'`), { code });
}

/** Linux' PATH_MAX with its closing zero, and NAME_MAX, in bytes. */
const maxPathBytes = 4096;
const maxNameBytes = 255;
const maxLinks = 40;

/** The names of a path. Throws ENAMETOOLONG beyond the limits of Linux. */
export function namesOf(path: string, call: string): string[] {
  if (path.includes('\0')) throw fileError('ENOENT', call, path.replaceAll('\0', '?'));
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const long = names.some((name) => name.length * 3 > maxNameBytes && Buffer.byteLength(name) > maxNameBytes);
  if (long || (path.length * 3 >= maxPathBytes && Buffer.byteLength(path) >= maxPathBytes))
    throw fileError('ENAMETOOLONG', call, path);
  return names;
}

/** Follows links, the last only if `follow`. Costs the path's length. Throws ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG. */
export function walk(root: FolderNode, path: string, call: string, follow = true): Place {
  const nextNames = namesOf(path, call).reverse();
  const above: Place[] = [];
  let place: Place = { folder: root, name: '', node: root, above };
  for (let links = 0; ; ) {
    const name = nextNames.pop();
    if (name === undefined) return place;
    if (name === '..') {
      place = above.pop() ?? place;
      continue;
    }
    const folder = place.node;
    if (folder === undefined) throw fileError('ENOENT', call, path);
    if (folder.kind !== 'folder') throw fileError('ENOTDIR', call, path);
    const node = folder.children.get(name);
    if (node?.kind === 'link' && (follow || nextNames.length > 0)) {
      if (++links > maxLinks) throw fileError('ELOOP', call, path);
      if (node.target.startsWith('/')) {
        place = above[0] ?? place;
        above.length = 0;
      }
      nextNames.push(...namesOf(node.target, call).reverse());
      continue;
    }
    above.push(place);
    place = { folder, name, node, above };
  }
}

/** The path of a place, without symbolic links. */
export function pathOf({ name, above }: Place): string {
  return `/${[...above.slice(1).map((each) => each.name), name].filter((each) => each !== '').join('/')}`;
}

/** The type of a node, as in a folder listing. */
export function kindOf({ kind }: TreeNode): Pick<FsStat, 'isFile' | 'isDirectory' | 'isSymbolicLink'> {
  return { isFile: kind === 'file', isDirectory: kind === 'folder', isSymbolicLink: kind === 'link' };
}

export function statOf(node: TreeNode): FsStat {
  const size = node.kind === 'file' ? node.size : node.kind === 'link' ? node.target.length : 0;
  const { identity, mode, mtime } = node;
  return { ...kindOf(node), mode, size, mtime, identity };
}
