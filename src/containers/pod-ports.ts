import type { Duplex } from 'node:stream';
import type { NodeRuntime } from './runtime.js';

/**
 * Connects to a port of the pods with this address. Those with `hostNetwork` share their node's: the first that listens
 * answers. `unknown`: no pod has it.
 */
export async function openPodPort(
  runtime: NodeRuntime,
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex | 'refused' | 'unknown'> {
  const pods = podsAt(runtime, address);
  for (const { metadata } of pods) {
    const request = { namespace: metadata.namespace, pod: metadata.name, port };
    const inside = await runtime.portForward(request, signal).catch(() => undefined);
    if (inside !== undefined) return inside;
  }
  return pods.length === 0 ? 'unknown' : 'refused';
}

/** The pods with this address. */
export function podsAt(runtime: NodeRuntime, address: string): ReturnType<NodeRuntime['listPods']> {
  return runtime.listPods().filter(({ status }) => status.podIP === address);
}
