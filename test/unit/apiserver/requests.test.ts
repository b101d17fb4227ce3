import { describe, expect, it } from 'vitest';
import { chooseDiscovery, choosePresentation } from '../../../src/apiserver/http/accept.js';
import { parseTarget } from '../../../src/apiserver/request/exchange.js';
import { findRoute, type Route } from '../../../src/apiserver/request/route.js';
import { StatusError } from '../../../src/apiserver/request/status.js';
import { parseLogOptions } from '../../../src/apiserver/routes/log-options.js';

function route(path: string): Route {
  return findRoute(parseTarget(path).segments);
}

describe('a path', () => {
  it.each([
    ['/', 'root'],
    ['/livez/ping', 'health'],
    ['/version', 'version'],
    ['/version/x', 'nowhere'],
    ['/api', 'discovery-root'],
    ['/apis/', 'discovery-root'],
    ['/apis/apps', 'group'],
    ['/apis/apps/v1', 'group-version'],
    ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'custom-kinds'],
    ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x', 'nowhere'],
    ['/api/v1/pods', 'resource'],
    ['/api/v1/namespaces/default', 'resource'],
    ['/api/v1/namespaces/default/pods/p/log', 'resource'],
    ['/apis/apps/v1/namespaces/default/deployments', 'resource'],
    ['/api/v1/pods/p', 'nowhere'],
    ['/api/v1/namespaces/default/nodes', 'nowhere'],
    ['/api/v1/namespaces/default/pods/p/zap', 'nowhere'],
    ['/api/v1/namespaces/default/pods/p/log/x', 'nowhere'],
    ['/api/v2/pods', 'nowhere'],
    ['/favicon.ico', 'nowhere'],
  ])('%s leads to: %s', (path, kind) => {
    expect(route(path).kind).toBe(kind);
  });

  it('names namespace, object and subresource', () => {
    expect(route('/api/v1/namespaces/team%20a/pods/web/exec')).toMatchObject({
      namespace: 'team a',
      name: 'web',
      resource: { kind: 'Pod' },
      subresource: { kind: 'PodExecOptions' },
    });
  });

  it('with a broken escape is a bad request', () => {
    expect(() => parseTarget('/api/%zz')).toThrow(StatusError);
  });
});

describe('an Accept header', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  it.each([
    [undefined, 'object'],
    ['application/json', 'object'],
    ['application/vnd.kubernetes.protobuf,application/json', 'object'],
    ['*/*', 'object'],
    [`${table},application/json`, 'table'],
    ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'object'],
    ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'metadata'],
    ['application/vnd.kubernetes.protobuf', undefined],
    ['text/html', undefined],
  ])('of %s asks for: %s', (header, form) => {
    expect(choosePresentation(header)?.form).toBe(form);
  });

  it.each([
    ['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', 'v2'],
    ['application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json', 'v2beta1'],
    ['application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json', 'legacy'],
    ['application/json', 'legacy'],
    [undefined, 'legacy'],
  ])('of %s gets discovery %s', (header, version) => {
    expect(chooseDiscovery(header)).toBe(version);
  });
});

function options(query: string) {
  return parseLogOptions(new URLSearchParams(query), 'web');
}

describe('the options of a log request', () => {
  it('pass on which stream is wanted', () => {
    expect(options('stream=Stderr').kubeletQuery).toEqual([['stream', 'Stderr']]);
    expect(options('stream=All&tailLines=2').kubeletQuery).toEqual([
      ['tailLines', '2'],
      ['stream', 'All'],
    ]);
  });

  it('pass on what is set, and only that', () => {
    const query =
      'container=main&follow=true&previous=false&tailLines=0&limitBytes=10&sinceTime=2024-05-01T10:00:00.9%2B02:00';
    expect(options(query)).toEqual({
      container: 'main',
      insecureBackend: false,
      kubeletQuery: [
        ['follow', 'true'],
        ['limitBytes', '10'],
        ['tailLines', '0'],
        ['sinceTime', '2024-05-01T08:00:00Z'],
      ],
    });
  });

  it.each([
    [
      'tailLines=-1',
      422,
      'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'sinceSeconds=0',
      422,
      'PodLogOptions "web" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0',
    ],
    [
      'limitBytes=0',
      422,
      'PodLogOptions "web" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
    ],
    [
      'stream=stdout',
      422,
      'PodLogOptions "web" is invalid: stream: Unsupported value: "stdout": supported values: "All", "Stderr", "Stdout"',
    ],
    [
      'stream=Stdout&tailLines=0',
      422,
      'PodLogOptions "web" is invalid: : Forbidden: `tailLines` and specific `stream` are mutually exclusive for now',
    ],
    ['tailLines=ten', 400, 'strconv.ParseInt: parsing "ten": invalid syntax'],
    [
      'sinceTime=today',
      400,
      'parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"',
    ],
    [
      'sinceSeconds=5&sinceTime=2024-05-01T10:00:00Z',
      422,
      'PodLogOptions "web" is invalid: : Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
  ])('of %s are refused with %d', (query, code, message) => {
    try {
      options(query);
      expect.unreachable();
    } catch (caught) {
      expect(caught).toBeInstanceOf(StatusError);
      expect((caught as StatusError).status).toMatchObject({ code, message });
    }
  });
});
