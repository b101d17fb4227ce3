import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import type { ProtoGrpcType as KubeletProto } from '../gen/kubelet.js';
import type { ProtoGrpcType as ObserveProto } from '../gen/observe.js';
import type { ProtoGrpcType as StoreProto } from '../gen/store.js';

/** `proto/` of the package: two folders above this module, both in `src` and in `dist`. */
export const protoFolder = fileURLToPath(new URL('../../../proto/', import.meta.url));

export type ProtoFile = 'kubelet.proto' | 'observe.proto' | 'store.proto';

const cache = new Map<ProtoFile, PackageDefinition>();

/**
 * The loaded definition of one file, as gRPC reflection needs it: 64-bit integers and enum values are strings, missing
 * fields are read as their defaults, and a oneof has a field with the name of the member that is set. Each file is read
 * once per process.
 */
export function protoDefinition(file: ProtoFile): PackageDefinition {
  const known = cache.get(file);
  if (known !== undefined) return known;
  const options = { longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [protoFolder] };
  const loaded = loadSync(file, options);
  cache.set(file, loaded);
  return loaded;
}

export function kubeletService(): KubeletProto['konnsim']['kubelet']['v1']['Kubelet'] {
  const loaded = loadPackageDefinition(protoDefinition('kubelet.proto')) as unknown as KubeletProto;
  return loaded.konnsim.kubelet.v1.Kubelet;
}

export function observeService(): ObserveProto['konnsim']['observe']['v1']['Observe'] {
  const loaded = loadPackageDefinition(protoDefinition('observe.proto')) as unknown as ObserveProto;
  return loaded.konnsim.observe.v1.Observe;
}

export function storeService(): StoreProto['konnsim']['store']['v1']['Store'] {
  const loaded = loadPackageDefinition(protoDefinition('store.proto')) as unknown as StoreProto;
  return loaded.konnsim.store.v1.Store;
}
