import type { Pod, Service } from '../../kube/pod-objects.js';

/** Where a pod finds the services of its namespace, and always the API: as `docker run --link` named them. */
export function serviceVariables(
  { metadata, spec }: Pod,
  services: readonly Service[],
): ReadonlyMap<string, string> {
  const chosen = new Map<string, Service>();
  const hasLinks = spec.enableServiceLinks !== false;
  for (const service of services) {
    const { name, namespace } = service.metadata;
    const isApi = namespace === 'default' && name === 'kubernetes';
    const isOwn = namespace === metadata.namespace && hasLinks;
    if (!['', 'None', undefined].includes(service.spec.clusterIP) && (isOwn || (isApi && !chosen.has(name))))
      chosen.set(name, service);
  }
  return new Map([...chosen.values()].flatMap(variablesOf));
}

function variablesOf({ metadata, spec }: Service): readonly (readonly [string, string])[] {
  const { clusterIP: host, ports } = spec;
  const prefix = variableName(metadata.name);
  const [first] = ports;
  if (first === undefined) return [];
  const url = ({ protocol, port }: typeof first): string => `${protocol.toLowerCase()}://${host}:${port}`;
  return [
    [`${prefix}_SERVICE_HOST`, host],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports.flatMap(({ name, port }): [string, string][] =>
      name === undefined || name === ''
        ? []
        : [[`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port)]],
    ),
    [`${prefix}_PORT`, url(first)],
    ...ports.flatMap((each): [string, string][] => {
      const one = `${prefix}_PORT_${each.port}_${each.protocol}`;
      return [
        [one, url(each)],
        [`${one}_PROTO`, each.protocol.toLowerCase()],
        [`${one}_PORT`, String(each.port)],
        [`${one}_ADDR`, host],
      ];
    }),
  ];
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
