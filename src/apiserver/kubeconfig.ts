import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dump } from 'js-yaml';
import { TunnelError } from '../core/errors.js';

export type KubeconfigCredential =
  | { readonly certPem: string; readonly keyPem: string }
  | { readonly token: string };

export interface KubeconfigOptions {
  /** The name of cluster, user and context. */
  readonly name: string;
  /** `https://host:port`. */
  readonly server: string;
  readonly caPem: string;
  readonly credential: KubeconfigCredential;
  readonly namespace?: string;
}

/** A complete kubeconfig as YAML, with all certificates included. */
export function renderKubeconfig(options: KubeconfigOptions): string {
  const { name, server, caPem, credential, namespace } = options;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name, user: userFields(credential) }],
    contexts: [
      { name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } },
    ],
    'current-context': name,
    preferences: {},
  };
  // Base64 stays on one line.
  return dump(config, { lineWidth: -1 });
}

/** Writes it readable only by its owner, because it contains a credential. Rejects with FILE_UNWRITABLE. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<void> {
  // Written to another file first: no reader sees half of it, and the mode of an older file is not kept.
  const partial = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(partial, renderKubeconfig(options), { mode: 0o600, flag: 'wx' });
    await rename(partial, path);
  } catch (caught) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw TunnelError.from(caught, 'FILE_UNWRITABLE', path);
  }
}

function userFields(credential: KubeconfigCredential): object {
  if ('token' in credential) return { token: credential.token };
  return {
    'client-certificate-data': base64(credential.certPem),
    'client-key-data': base64(credential.keyPem),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
