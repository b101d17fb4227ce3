import type { z } from 'zod';
import { loadYaml, RepeatedKeyError } from '../request/parse.js';
import { type EgressConfiguration, egressFileSchema } from './schema.js';

const kind = 'EgressSelectorConfiguration';
const versions = new Set(['apiserver.k8s.io/v1beta1', 'apiserver.k8s.io/v1alpha1']);

type EgressFile = z.infer<typeof egressFileSchema>;

/** Reads YAML or JSON. Throws kube-apiserver's Error for a wrong structure; values are not checked. */
export function parseEgressConfiguration(text: string): EgressConfiguration {
  const document = toValue(text);
  checkType(document, text);
  const parsed = egressFileSchema.safeParse(document);
  if (!parsed.success) throw new Error(strictText(parsed.error));
  return { selections: (parsed.data.egressSelections ?? []).map(toSelection) };
}

/** `master` is the old name of `controlplane`. Any other spelling of it is unknown. */
function toSelection({ name, connection }: NonNullable<EgressFile['egressSelections']>[number]) {
  return {
    name: name === 'master' ? 'controlplane' : (name ?? ''),
    proxyProtocol: connection?.proxyProtocol ?? '',
    transport: connection?.transport ?? undefined,
  };
}

function toValue(text: string): unknown {
  try {
    const isEmpty = text.replace(/^\s*#.*$/gm, '').trim() === '';
    return isEmpty ? undefined : loadYaml(text);
  } catch (caught) {
    if (!(caught instanceof RepeatedKeyError)) throw caught;
    throw new Error(`strict decoding error: ${caught.message}`);
  }
}

/** The kind and version are checked before everything else. */
function checkType(value: unknown, text: string): void {
  const object = typeof value === 'object' && value !== null ? (value as Partial<EgressFile>) : {};
  if (typeof object.kind !== 'string' || object.kind === '') {
    throw new Error(`Object 'Kind' is missing in '${text.slice(0, 200)}'`);
  }
  if (typeof object.apiVersion !== 'string' || object.apiVersion === '') {
    throw new Error(`Object 'apiVersion' is missing in '${text.slice(0, 200)}'`);
  }
  if (object.kind !== kind || !versions.has(object.apiVersion)) {
    const [named, version] = [JSON.stringify(object.kind), JSON.stringify(object.apiVersion)];
    throw new Error(`no kind ${named} is registered for version ${version}`);
  }
}

function strictText({ issues }: z.ZodError): string {
  const texts = issues.flatMap((issue) => {
    const path = pathText(issue.path);
    if (issue.code !== 'unrecognized_keys') return [`${path}: ${issue.message}`];
    return issue.keys.map((key) => `unknown field ${JSON.stringify(path === '' ? key : `${path}.${key}`)}`);
  });
  return `strict decoding error: ${texts.join(', ')}`;
}

/** `egressSelections[0].connection`. */
function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '');
}
