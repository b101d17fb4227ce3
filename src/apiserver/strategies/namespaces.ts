import { forbidden } from '../request/status.js';
import { coreResource } from '../resources/catalogue.js';
import { childOf, ensureChild, type JsonObject, metadataOf } from '../resources/json.js';
import type { Strategy } from './strategy.js';

const immortal = ['default', 'kube-system', 'kube-public'];

export const namespaceStrategy: Strategy = {
  nameForm: 'label',
  hasStatus: true,
  returnsDeleted: true,
  prepareCreate: (namespace) => {
    ensureChild(namespace, 'spec')['finalizers'] = ['kubernetes'];
    namespace['status'] = { phase: 'Active' };
  },
  defaults: (namespace) => {
    const metadata = metadataOf(namespace);
    ensureChild(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata['name'];
  },
  // A namespace is released only here.
  parts: {
    finalize: (next, old) => {
      if (old['status'] !== undefined) next['status'] = structuredClone(old['status']);
    },
  },
  isHeld: (namespace) => {
    refuseImmortal(namespace);
    return hasContents(namespace);
  },
  marked: (namespace) => {
    ensureChild(namespace, 'status')['phase'] = 'Terminating';
  },
};

function refuseImmortal(namespace: JsonObject): void {
  const name = String(metadataOf(namespace)['name']);
  if (immortal.includes(name))
    throw forbidden(coreResource('namespaces'), name, 'this namespace may not be deleted');
}

function hasContents(namespace: JsonObject): boolean {
  const finalizers = childOf(namespace, 'spec')?.['finalizers'];
  return Array.isArray(finalizers) && finalizers.length > 0;
}
