import { booleanParameter } from '../../kube/boolean-parameter.js';
import {
  decodeLogOptions,
  type LogOptionsFault,
  logOptionsFault,
  logStreams,
  type PodLogOptions,
  UndecodableQuery,
} from '../../kube/pod-log-options.js';
import { rfc3339 } from '../../kube/time.js';
import {
  type FieldError,
  forbiddenField,
  invalidObject,
  invalidValue,
  notSupported,
} from '../request/invalid.js';
import { badRequest } from '../request/status.js';

export interface LogOptions {
  /** Empty: the only container of the pod. */
  readonly container: string;
  readonly insecureBackend: boolean;
  /** The query for the kubelet, without the container. */
  readonly kubeletQuery: readonly (readonly [string, string])[];
}

/** Reads the options as kube-apiserver does: 400 for what is no number or time, 422 for what is out of range. */
export function parseLogOptions(query: URLSearchParams, pod: string): LogOptions {
  const options = decode(query);
  const fault = logOptionsFault(options);
  if (fault !== undefined)
    throw invalidObject({ kind: 'PodLogOptions', group: '' }, pod, [fieldError(fault)]);
  const { sinceTimeMs, ...others } = options;
  // Kubelets get whole seconds.
  const asked = { ...others, sinceTime: sinceTimeMs === undefined ? undefined : rfc3339(sinceTimeMs) };
  return {
    container: query.get('container') ?? '',
    insecureBackend: booleanParameter(query, 'insecureSkipTLSVerifyBackend'),
    kubeletQuery: Object.entries(asked).flatMap(([name, value]) =>
      value === undefined || value === null || value === false ? [] : [[name, String(value)] as const],
    ),
  };
}

function decode(query: URLSearchParams): PodLogOptions {
  try {
    return decodeLogOptions(query);
  } catch (caught) {
    throw caught instanceof UndecodableQuery ? badRequest(caught.message) : caught;
  }
}

function fieldError(fault: LogOptionsFault): FieldError {
  switch (fault.kind) {
    case 'invalid':
      return invalidValue(fault.field, fault.value, fault.text);
    case 'unsupported':
      return notSupported(fault.field, fault.value, logStreams);
    case 'forbidden':
      return forbiddenField('', fault.text);
  }
}
