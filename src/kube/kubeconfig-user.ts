import { resolve } from 'node:path';
import type { KubeTls } from './access.js';
import { FileText } from './file-text.js';
import { inlineOrFile, type Kubeconfig } from './inline-or-file.js';
import type { KubeconfigUser } from './kubeconfig-schema.js';
import { bearer } from './token-header.js';

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Throws CONFIG_INVALID when only the certificate or only the key is there. */
export function clientCertificate(file: Kubeconfig, user: KubeconfigUser): () => KubeTls {
  const half = (field: 'client-certificate' | 'client-key') =>
    inlineOrFile(file, { field, data: user[`${field}-data`], path: user[field] });
  const [cert, key] = [half('client-certificate'), half('client-key')];
  if (cert === undefined && key === undefined) return () => ({});
  if (cert === undefined || key === undefined) {
    throw file.invalid(`a client certificate needs both client-certificate and client-key`);
  }
  return () => ({ cert: cert(), key: key() });
}

/** The headers with a user's credentials. Throws CONFIG_INVALID for methods that would have to run other programs. */
export function userHeaders(file: Kubeconfig, user: KubeconfigUser): () => Headers {
  refuseOtherPrograms(file, user);
  const authorization = authorizationOf(file, user);
  const impersonation = impersonationOf(user);
  return () => ({
    ...(authorization === undefined ? {} : { authorization: authorization() }),
    ...impersonation,
  });
}

function refuseOtherPrograms(file: Kubeconfig, user: KubeconfigUser): void {
  const needs = (field: 'exec' | 'auth-provider' | 'as-user-extra'): boolean =>
    (user[field] ?? null) !== null;
  if (needs('exec'))
    throw file.invalid('exec is not supported: no credential plugin is run; use a tokenFile');
  if (needs('auth-provider')) throw file.invalid('auth-provider is not supported; use a tokenFile');
  if (needs('as-user-extra')) throw file.invalid('as-user-extra is not supported');
}

function authorizationOf(file: Kubeconfig, user: KubeconfigUser): (() => string) | undefined {
  const { token, tokenFile, username } = user;
  const basic = (username ?? '') !== '';
  const byToken = (token ?? '') !== '' || (tokenFile ?? '') !== '';
  if (basic && byToken) throw file.invalid('username/password or bearer token may be set, but not both');
  if (basic) {
    const secret = Buffer.from(`${username}:${user.password ?? ''}`).toString('base64');
    return () => `Basic ${secret}`;
  }
  if ((tokenFile ?? '') !== '') {
    // The file wins over an inline token, because the file is renewed.
    const path = resolve(file.folder, tokenFile ?? '');
    const text = new FileText(path, file.clock);
    return () => bearer(text.read(), path);
  }
  if (!byToken) return undefined;
  const value = bearer(token ?? '', file.path);
  return () => value;
}

function impersonationOf({ as, 'as-uid': uid, 'as-groups': groups }: KubeconfigUser): Headers {
  return {
    ...((as ?? '') === '' ? {} : { 'impersonate-user': as ?? '' }),
    ...((uid ?? '') === '' ? {} : { 'impersonate-uid': uid ?? '' }),
    ...((groups ?? []).length === 0 ? {} : { 'impersonate-group': groups ?? [] }),
  };
}
