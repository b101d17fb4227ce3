import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { pod } from './objects.js';
import { mergePatch, send } from './send-body.js';

const pods = '/api/v1/namespaces/default/pods';
const newPod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } });
let test: TestApi;

beforeAll(async () => {
  const old = pod({ name: 'old' });
  const [main] = old.spec.containers;
  const containers = main === undefined ? [] : [{ ...main, env: [{ name: 'C=D' }] }];
  const objects = { pods: [{ ...old, spec: { ...old.spec, containers } }] };
  test = await startTestApi(await makeCredentials(), { objects });
});
afterAll(() => test.close());

const fieldRef = (fieldPath: string) => ({ name: 'A', valueFrom: { fieldRef: { fieldPath } } });
const resourceRef = (resource: string) => ({ name: 'A', valueFrom: { resourceFieldRef: { resource } } });
const key = { name: 'm', key: 'k' };
it.each<[object, string]>([
  [{ name: 'C=D' }, 'name: Invalid value: "C=D": a valid environment variable name must consist only of'],
  [
    fieldRef('metadata.creationTimestamp'),
    'valueFrom.fieldRef.fieldPath: Invalid value: "metadata.creationTimestamp": error converting fieldPath: field label not supported: metadata.creationTimestamp',
  ],
  [
    fieldRef("spec.nodeName['a']"),
    "valueFrom.fieldRef.fieldPath: Invalid value: \"spec.nodeName['a']\": error converting fieldPath: field label does not support subscript: spec.nodeName['a']",
  ],
  [
    fieldRef('status.phase'),
    'valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
  ],
  [
    resourceRef('limits.constructor'),
    'valueFrom.resourceFieldRef.resource: Unsupported value: "limits.constructor": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
  ],
  [
    { ...resourceRef('limits.cpu'), value: 'a' },
    'valueFrom: Invalid value: "": may not be specified when `value` is not empty',
  ],
  [
    { name: 'A', valueFrom: { configMapKeyRef: key, secretKeyRef: key } },
    'valueFrom: Invalid value: "": may not have more than one field specified at a time',
  ],
  [
    { name: 'A', valueFrom: {} },
    'valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
  ],
  [{ name: 'A', valueFrom: { secretKeyRef: { name: 'm' } } }, 'valueFrom.secretKeyRef.key: Required value'],
])('a pod with the variable %j is refused', async (variable, message) => {
  const containers = [{ name: 'a', image: 'b', env: [variable] }];
  const answer = await send(test, 'POST', pods, { ...newPod('x'), spec: { containers } });
  expect(answer.status).toBe(422);
  expect(answer.json<{ message: string }>().message).toContain(`: spec.containers[0].env[0].${message}`);
});

it('a pod is refused for what its list of containers cannot have', async () => {
  const initContainers = [
    { name: 'i', image: 'b', restartPolicy: 'OnFailure', livenessProbe: { tcpSocket: { port: 1 } } },
    { name: 's', image: 'b', restartPolicy: 'Always', livenessProbe: { tcpSocket: { port: 1 } } },
  ];
  const good = {
    name: 'g',
    image: 'b',
    env: [fieldRef("metadata.labels['a']"), { name: 'a b.c', value: '' }],
  };
  const envFrom = [{ prefix: 'A=', configMapRef: { name: 'm' } }, {}];
  const containers = [{ name: 'c', image: 'b', restartPolicy: 'Always', envFrom }, good];
  const answer = await send(test, 'POST', pods, { ...newPod('x'), spec: { initContainers, containers } });
  const { details } = answer.json<{ details: { causes: { field: string; message: string }[] } }>();
  expect(details.causes.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    'spec.initContainers[0].restartPolicy: Unsupported value: "OnFailure": supported values: "Always"',
    'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    expect.stringMatching(/^spec\.containers\[0\]\.envFrom\[0\]\.prefix: Invalid value: "A=": a valid env/),
    'spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
    'spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers',
  ]);
});

it('a pod that was accepted by an older version gets its status', async () => {
  const answer = await send(test, 'PATCH', `${pods}/old/status`, { status: { phase: 'Failed' } }, mergePatch);
  expect(answer.json()).toMatchObject({ status: { phase: 'Failed' } });
});
