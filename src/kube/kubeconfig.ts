import { dirname } from 'node:path';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { readDocument } from '../pki/read-files.js';
import type { KubeAccess } from './access.js';
import type { Kubeconfig } from './inline-or-file.js';
import { clusterTls } from './kubeconfig-cluster.js';
import {
  type KubeconfigCluster,
  type KubeconfigFile,
  type KubeconfigUser,
  kubeconfigSchema,
} from './kubeconfig-schema.js';
import { clientCertificate, userHeaders } from './kubeconfig-user.js';

export interface KubeconfigOptions {
  readonly clock: Clock;
  /** Default: the file's `current-context`. */
  readonly context?: string;
  /** Ends the wait for a pipe that does not answer. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the access to an API from a kubeconfig. Paths in it are relative to its folder. Those files are read at the
 * first request, and again from time to time. Rejects with FILE_UNREADABLE; with CONFIG_INVALID for a text that is not
 * a kubeconfig, for names that are not defined in it, and for what is not supported: `exec`, `auth-provider`,
 * `proxy-url`.
 */
export async function readKubeconfig(
  path: string,
  { clock, context, signal }: KubeconfigOptions,
): Promise<KubeAccess> {
  const text = await readDocument(path, signal);
  const file: Kubeconfig = {
    path,
    folder: dirname(path),
    clock,
    invalid: (text) => new TunnelError('CONFIG_INVALID', `${path}: ${text}`, { where: path }),
  };
  const { cluster, user } = selected(file, parsed(file, text), context);
  const tls = clusterTls(file, cluster);
  const certificate = clientCertificate(file, user);
  return {
    server: serverUrl(file, cluster),
    tls: () => ({ ...tls(), ...certificate() }),
    headers: userHeaders(file, user),
  };
}

function parsed(file: Kubeconfig, text: string): KubeconfigFile {
  const read = kubeconfigSchema.safeParse(yaml(file, text) ?? {});
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw file.invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'no kubeconfig'}`);
}

function yaml(file: Kubeconfig, text: string): unknown {
  try {
    // Go's reader takes the first document, too, and an empty file for an empty one.
    return loadAll(text, { schema: CORE_SCHEMA })[0];
  } catch (caught) {
    // Only the first line: the rest quotes the file, which holds secrets.
    throw file.invalid(String(caught instanceof Error ? caught.message : caught).split('\n')[0] ?? '');
  }
}

interface Selected {
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
}

function selected(file: Kubeconfig, config: KubeconfigFile, wanted: string | undefined): Selected {
  const name = wanted ?? config['current-context'] ?? '';
  if (name === '') throw file.invalid('no current-context');
  const context = config.contexts?.find((entry) => entry.name === name)?.context;
  if (context === undefined || context === null) throw file.invalid(`context "${name}" does not exist`);
  const clusterName = context.cluster ?? '';
  const cluster = config.clusters?.find((entry) => entry.name === clusterName)?.cluster;
  if (cluster === undefined || cluster === null) {
    throw file.invalid(`cluster "${clusterName}" does not exist`);
  }
  const userName = context.user ?? '';
  const user = config.users?.find((entry) => entry.name === userName);
  if (user === undefined && userName !== '') throw file.invalid(`auth info "${userName}" does not exist`);
  return { cluster, user: user?.user ?? {} };
}

function serverUrl(file: Kubeconfig, { server, 'proxy-url': proxy }: KubeconfigCluster): URL {
  if ((proxy ?? '') !== '') throw file.invalid('proxy-url is not supported: the API is dialled directly');
  const url = URL.canParse(server ?? '') ? new URL(server ?? '') : undefined;
  if (url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw file.invalid(`server must be https://HOST:PORT, got ${JSON.stringify(server ?? '')}`);
}
