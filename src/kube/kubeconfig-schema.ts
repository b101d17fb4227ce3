import { z } from 'zod';

const text = z.string().nullish();

const cluster = z.object({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});

const user = z.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  'as-user-extra': z.unknown().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
});

const context = z.object({ cluster: text, user: text, namespace: text });

/** The fields of a kubeconfig (`v1`, `Config`) that we read; the others do not affect requests. */
export const kubeconfigSchema = z.object({
  clusters: z.array(z.object({ name: z.string(), cluster: cluster.nullish() })).nullish(),
  users: z.array(z.object({ name: z.string(), user: user.nullish() })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context: context.nullish() })).nullish(),
  'current-context': text,
});

export type KubeconfigFile = z.infer<typeof kubeconfigSchema>;
export type KubeconfigCluster = z.infer<typeof cluster>;
export type KubeconfigUser = z.infer<typeof user>;
