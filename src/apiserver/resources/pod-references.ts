import { entriesAt, listAt, textAt } from './api-object.js';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** Whether a pod is a mirror pod: it only shows what a kubelet runs by itself. */
export function isMirrorPod(pod: unknown): boolean {
  return entriesAt(pod, 'metadata.annotations').some(([key]) => key === mirrorAnnotation);
}

/** The name of the service account of a pod; empty for a mirror pod, which has none. */
export function accountOfPod(pod: unknown): string {
  return textAt(pod, 'spec.serviceAccountName') || (isMirrorPod(pod) ? '' : 'default');
}

/** The secrets or config maps that a pod refers to. */
export function namesIn(pod: unknown, kind: 'secret' | 'configMap'): ReadonlySet<string> {
  const nameKey = kind === 'secret' ? 'secretName' : 'name';
  const volumes = listAt(pod, 'spec.volumes');
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) =>
    listAt(pod, `spec.${list}`),
  );
  const names = [
    ...volumes.map((volume) => textAt(volume, `${kind}.${nameKey}`)),
    ...volumes
      .flatMap((volume) => listAt(volume, 'projected.sources'))
      .map((each) => textAt(each, `${kind}.name`)),
    ...containers.flatMap((each) => listAt(each, 'envFrom')).map((each) => textAt(each, `${kind}Ref.name`)),
    ...containers
      .flatMap((each) => listAt(each, 'env'))
      .map((each) => textAt(each, `valueFrom.${kind}KeyRef.name`)),
    ...(kind === 'secret' ? listAt(pod, 'spec.imagePullSecrets').map((each) => textAt(each, 'name')) : []),
  ];
  return new Set(names.filter((name) => name !== ''));
}
