/** The families of faults, and how many each has. */
export const families = {
  N: { title: 'The network between agent, balancer and server', count: 17 },
  L: { title: 'Balancers', count: 4 },
  D: { title: 'Names', count: 5 },
  S: { title: 'Servers', count: 12 },
  A: { title: 'Agents', count: 11 },
  K: { title: 'Kubelets, streams and webhooks', count: 13 },
  T: { title: 'Certificates and time', count: 8 },
  P: { title: 'Packets and capacity', count: 13 },
} as const;

export type Family = keyof typeof families;

/** A fault of the catalogue, such as `K5`. */
export type FaultId = `${Family}${number}`;

/** All of one family, in order. */
export function idsOf(family: Family): readonly FaultId[] {
  return Array.from({ length: families[family].count }, (_, index) => `${family}${index + 1}` as const);
}

/** All 83. */
export const allIds: readonly FaultId[] = (Object.keys(families) as Family[]).flatMap(idsOf);
