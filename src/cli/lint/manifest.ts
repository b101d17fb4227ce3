import { fieldOf, itemsOf, parseYamlTree, textAt, type YamlNode } from '../../kube/yaml-tree.js';
import { type PodFacts, podFacts, type Workload } from './pod-facts.js';
import { badInput, findProgram, type Role, shellLines, type Word } from './words.js';

/** A command line of one of the two programs, as it stands in a file. */
export interface FoundProgram {
  readonly role: Role;
  readonly file: string;
  readonly line: number;
  /** Without the name of the program. */
  readonly words: readonly Word[];
  /** Variables for it; undefined for a value that stands elsewhere, such as a field of the pod. */
  readonly environment: ReadonlyMap<string, string | undefined>;
  readonly pod: PodFacts | undefined;
  /** The tag of its image, such as `v0.33.0`. */
  readonly tag: string | undefined;
}

const podTemplates = new Set(['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet', 'Job']);

/**
 * Finds the containers of a Kubernetes manifest that run a proxy-server or a proxy-agent. Throws CONFIG_INVALID, with
 * file and line, for a text that is not a manifest.
 */
export function programsOfManifest(file: string, text: string): FoundProgram[] {
  return parseYamlTree(file, text)
    .filter((node) => node.kind !== 'text' || node.text !== '')
    .flatMap((document) => objectsOf(file, document))
    .flatMap((object) => workloadOf(object))
    .flatMap((workload) => programsOfWorkload(file, workload));
}

function objectsOf(file: string, document: YamlNode): readonly YamlNode[] {
  const kind = textAt(document, 'kind');
  if (kind === undefined) {
    const hint = 'FILE is a Kubernetes manifest; give command lines with --server-flags or --agent-flags.';
    throw badInput(file, document.line, 'this is not a Kubernetes object, as it has no kind', hint);
  }
  return kind.endsWith('List') ? itemsOf(fieldOf(document, 'items')) : [document];
}

function workloadOf(node: YamlNode): Workload[] {
  const kind = textAt(node, 'kind') ?? '';
  const spec = podTemplates.has(kind)
    ? fieldOf(node, 'spec', 'template', 'spec')
    : kind === 'Pod'
      ? fieldOf(node, 'spec')
      : undefined;
  return spec === undefined ? [] : [{ kind, node, spec }];
}

function programsOfWorkload(file: string, workload: Workload): FoundProgram[] {
  const containers = [fieldOf(workload.spec, 'initContainers'), fieldOf(workload.spec, 'containers')];
  return containers.flatMap(itemsOf).flatMap((container) => {
    const words = ['command', 'args'].flatMap((name) => wordsOf(file, fieldOf(container, name)));
    const image = textAt(container, 'image') ?? '';
    const found = findProgram(words) ?? entrypoint(image, words);
    if (found === undefined) return [];
    const { role, after } = found;
    const environment = environmentOf(container);
    const pod = podFacts(workload, container);
    return [{ role, file, line: container.line, words: after, environment, pod, tag: tagOf(image) }];
  });
}

/** A shell's command inside of a word is split into words, too. */
function wordsOf(file: string, list: YamlNode | undefined): Word[] {
  return itemsOf(list).flatMap((node) => {
    if (node.kind !== 'text') throw badInput(file, node.line, 'command and args are lists of texts');
    const script =
      /\s/.test(node.text) && /(?:^|[\s/])(?:proxy|konnectivity)-(?:server|agent)\s/.test(node.text);
    return script ? commandIn(file, node.text, node.line) : [{ text: node.text, line: node.line }];
  });
}

function commandIn(file: string, script: string, line: number): Word[] {
  const lines = shellLines(file, script, line);
  return lines.find((words) => findProgram(words) !== undefined) ?? lines.flat();
}

const programImage = /(?:^|[-/])(?:proxy|konnectivity)-(server|agent)(?:[:@]|$)/;

/** A container without a command runs the program of its image. */
function entrypoint(
  image: string,
  words: readonly Word[],
): { readonly role: Role; readonly after: readonly Word[] } | undefined {
  const role = programImage.exec(image)?.[1];
  if (role === undefined) return undefined;
  return { role: role === 'server' ? 'server' : 'agent', after: words };
}

/** Only images with the program's own name have its version as their tag. */
function tagOf(image: string): string | undefined {
  return programImage.test(image) ? /:([^:@/]+)(?:@.*)?$/.exec(image)?.[1] : undefined;
}

function environmentOf(container: YamlNode): ReadonlyMap<string, string | undefined> {
  const variables = itemsOf(fieldOf(container, 'env'));
  return new Map(variables.map((one) => [textAt(one, 'name') ?? '', textAt(one, 'value')]));
}
