import { join } from 'node:path';
import {
  type AuthorityName,
  authorityOf,
  type CertificateSet,
  kubeletLeaf,
  type RoleLeaf,
} from './certificate-set.js';
import { leafPairs, pairFiles, pairPaths } from './files.js';
import type { KeyPair } from './key-pair.js';
import { writeFilesAtomically } from './text-files.js';

/** The leaves of each part of a cluster. Each kubelet also has a folder. */
const partLeaves: Readonly<Record<string, readonly RoleLeaf[]>> = {
  apiserver: [
    'apiserver',
    'apiserver-kubelet-client',
    'apiserver-store-client',
    'frontend-client',
    'sa',
    // For the kubeconfig that it writes, and for its own readiness check.
    'admin',
    'observe',
  ],
  server: ['server', 'server-frontend', 'observe'],
  agent: ['agent', 'observe'],
  store: ['store', 'observe'],
  middlebox: ['observe'],
  // For clients that watch events. They may have an admin port, too.
  observer: ['observer', 'observe'],
};

/**
 * Writes one folder for each part below `directory`: `apiserver`, `server`, `agent`, `kubelet-NODE`, `store`,
 * `middlebox` and `observer`. Each has the pairs of this part and the certificates of the CAs that it trusts, but no
 * key of a CA or of another part. Existing files are replaced. Rejects with FILE_UNWRITABLE.
 */
export async function writePartFolders(directory: string, set: CertificateSet): Promise<void> {
  const pairs = new Map(leafPairs(set));
  const kubelets = [...set.kubelets.keys()].map(kubeletLeaf);
  const parts: [string, readonly string[]][] = [
    ...Object.entries(partLeaves),
    ...kubelets.map((leaf): [string, readonly string[]] => [leaf, [leaf, 'observe']]),
  ];
  const writing = parts.map(([part, leaves]) => {
    const held = [...pairs].filter(([leaf]) => leaves.includes(leaf));
    return writePart(join(directory, part), held, set);
  });
  await Promise.all(writing);
}

async function writePart(
  folder: string,
  held: readonly [string, KeyPair][],
  { authorities }: CertificateSet,
): Promise<void> {
  const believed = new Set<AuthorityName>(held.map(([leaf]) => authorityOf(leaf)));
  // On the way to pods a kubelet trusts agents, and an agent kubelets.
  if (held.some(([leaf]) => leaf === 'agent')) believed.add('ca');
  if (held.some(([leaf]) => leaf.startsWith(kubeletLeaf('')))) believed.add('agent-ca');
  await writeFilesAtomically(folder, [
    ...[...believed].map((name) => ({
      path: pairPaths(folder, name).certPath,
      text: authorities[name].certPem,
      mode: 0o644,
    })),
    ...held.flatMap(([leaf, pair]) => pairFiles(folder, leaf, pair)),
  ]);
}
