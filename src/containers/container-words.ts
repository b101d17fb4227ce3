import type { Container, Pod } from '../kube/pod-objects.js';
import { imageName } from './image-name.js';
import type { ContainerNews } from './runtime.js';

/** A sidecar is an init container that is restarted for as long as the pod runs. */
export type ContainerRole = 'init' | 'sidecar' | 'main' | 'ephemeral';

/** Where containers of a role are in a pod's spec. */
const listOf: Readonly<Record<ContainerRole, string>> = {
  init: 'initContainers',
  sidecar: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
};

export interface NewsOptions {
  readonly pod: Pod;
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly reason: ContainerNews['reason'];
  readonly message: string | undefined;
}

export function newsOf({ pod, spec, role, reason, message }: NewsOptions): ContainerNews {
  const { name, image } = spec;
  const fieldPath = `spec.${listOf[role]}{${name}}`;
  return {
    reason,
    name,
    image,
    fieldPath,
    podText: podText(pod),
    ...(message === undefined ? {} : { message }),
  };
}

export function backOffText(pod: Pod, container: string, delayMs: number): string {
  // As Go writes a duration.
  const seconds = delayMs / 1000;
  const delay = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `back-off ${delay} restarting failed container=${container} pod=${podText(pod)}`;
}

/** The ID of a run in a status. */
export function urlOf(id: string): string {
  return `konnsim://${id}`;
}

/** An init container has to end: one whose image has no program here gets a command that does. */
export function withProgram(spec: Container, role: ContainerRole): Container {
  const { command = [], args = [], image } = spec;
  const isIdle = role === 'init' && command.length + args.length === 0;
  return isIdle && !imageName(image).startsWith('konnsim/') ? { ...spec, command: ['true'] } : spec;
}

function podText({ metadata }: Pod): string {
  return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
}
