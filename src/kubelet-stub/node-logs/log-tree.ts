import type { LogFile } from '../../containers/runtime.js';

/** What is at a path below `/var/log`. */
export type LogEntry =
  | { readonly kind: 'folder'; readonly names: readonly string[] }
  | { readonly kind: 'file'; readonly file: LogFile };

/**
 * The folder of a node's logs, with the files of a kubelet: `pods/NS_POD_UID/CONTAINER/N.log`, and
 * `containers/POD_NS_CONTAINER-ID.log`, which are links to them on a real node.
 */
export class LogTree {
  private readonly files = new Map<string, LogFile>();

  constructor(files: readonly LogFile[]) {
    for (const file of files) {
      const { namespace, name, uid } = file.pod;
      this.files.set(`pods/${namespace}_${name}_${uid}/${file.container}/${file.restartCount}.log`, file);
      this.files.set(`containers/${name}_${namespace}_${file.container}-${file.containerId}.log`, file);
    }
  }

  /** All paths as one text; it differs when the tree differs. */
  get paths(): string {
    return [...this.files.keys()].join('\n');
  }

  /** `path` has no slash at either end; empty means the folder itself. */
  find(path: string): LogEntry | undefined {
    const file = this.files.get(path);
    if (file !== undefined) return { kind: 'file', file };
    const prefix = path === '' ? '' : `${path}/`;
    const below = [...this.files.keys()].filter((name) => name.startsWith(prefix));
    if (below.length === 0 && path !== '') return undefined;
    const names = below.map((name) => {
      const [first = '', ...rest] = name.slice(prefix.length).split('/');
      return rest.length === 0 ? first : `${first}/`;
    });
    return { kind: 'folder', names: [...new Set(names)].sort() };
  }
}
