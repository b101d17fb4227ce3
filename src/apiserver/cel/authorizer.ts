import type { Environment } from '@marcbachmann/cel-js';
import type { Attributes, ResourceAttributes } from '../auth/attributes.js';
import type { Authorizer, Decision } from '../auth/authorize.js';
import type { User } from '../request/exchange.js';
import { nameProblems } from '../strategies/names.js';

/** Kubernetes' `authorizer` in CEL expressions: what may this user, or a service account, do? */
export class CelAuthorizer {
  readonly requestResource: ResourceCheck;
  private readonly user: User;
  private readonly authorize: Authorizer;

  constructor(authorize: Authorizer, request: Omit<ResourceAttributes, 'verb'>) {
    this.user = request.user;
    this.authorize = authorize;
    this.requestResource = new ResourceCheck(authorize, request);
  }

  path(path: string): PathCheck {
    if (path.trim() === '') throw new Error('path must not be empty');
    return new PathCheck(this.authorize, this.user, path);
  }

  group(group: string): GroupCheck {
    return new GroupCheck(this.authorize, this.user, group);
  }

  serviceAccount(namespace: string, name: string): CelAuthorizer {
    if (nameProblems(name, 'subdomain').length > 0)
      throw new Error(`Invalid service account name ${JSON.stringify(name)}`);
    if (nameProblems(namespace, 'label').length > 0)
      throw new Error(`Invalid service account namespace ${JSON.stringify(namespace)}`);
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
    const user = { name: `system:serviceaccount:${namespace}:${name}`, groups };
    return new CelAuthorizer(this.authorize, { ...nothing, user });
  }
}

class GroupCheck {
  private readonly authorize: Authorizer;
  private readonly user: User;
  private readonly group: string;

  constructor(authorize: Authorizer, user: User, group: string) {
    this.authorize = authorize;
    this.user = user;
    this.group = group;
  }

  resource(resource: string): ResourceCheck {
    if (resource.trim() === '') throw new Error('resource must not be empty');
    const { user, group } = this;
    return new ResourceCheck(this.authorize, { ...nothing, user, group, resource });
  }
}

class PathCheck {
  private readonly authorize: Authorizer;
  private readonly user: User;
  private readonly path: string;

  constructor(authorize: Authorizer, user: User, path: string) {
    this.authorize = authorize;
    this.user = user;
    this.path = path;
  }

  check(verb: string): CelDecision {
    const { user, path } = this;
    return decide(this.authorize, { kind: 'path', user, path, verb });
  }
}

class ResourceCheck {
  private readonly authorize: Authorizer;
  private readonly about: Omit<ResourceAttributes, 'verb'>;

  constructor(authorize: Authorizer, about: Omit<ResourceAttributes, 'verb'>) {
    this.authorize = authorize;
    this.about = about;
  }

  with(more: Partial<ResourceAttributes>): ResourceCheck {
    return new ResourceCheck(this.authorize, { ...this.about, ...more });
  }

  check(verb: string): CelDecision {
    return decide(this.authorize, { ...this.about, verb });
  }
}

class CelDecision implements Decision {
  readonly allowed: boolean;
  readonly reason: string;

  constructor({ allowed, reason }: Decision) {
    this.allowed = allowed;
    this.reason = reason;
  }
}

function decide(authorize: Authorizer, attributes: Attributes): CelDecision {
  return new CelDecision(authorize(attributes));
}

const nothing = {
  kind: 'resource',
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
} as const;

/** Adds the type of the variable `authorizer` and its functions to an environment. */
export function declareAuthorizer(environment: Environment): void {
  const own = (name: string): string => `kubernetes.authorization.${name}`;
  const [authorizer, decision] = [own('Authorizer'), own('Decision')];
  const [groupCheck, pathCheck, check] = [own('GroupCheck'), own('PathCheck'), own('ResourceCheck')];
  for (const [name, ctor] of [
    ...([[decision, CelDecision] as const, [groupCheck, GroupCheck] as const] as const),
    ...([[pathCheck, PathCheck] as const, [check, ResourceCheck] as const] as const),
  ])
    environment.registerType(name, { ctor, fields: {} });
  const fields = { requestResource: check };
  environment.registerType(authorizer, { ctor: CelAuthorizer, fields });
  environment.registerVariable('authorizer', authorizer);
  const say = environment.registerFunction.bind(environment);
  say(`${authorizer}.path(string): ${pathCheck}`, (of: CelAuthorizer, path: string) => of.path(path));
  say(`${authorizer}.group(string): ${groupCheck}`, (of: CelAuthorizer, group: string) => of.group(group));
  say(
    `${authorizer}.serviceAccount(string, string): ${authorizer}`,
    (of: CelAuthorizer, namespace: string, name: string) => of.serviceAccount(namespace, name),
  );
  say(`${groupCheck}.resource(string): ${check}`, (of: GroupCheck, resource: string) =>
    of.resource(resource),
  );
  for (const part of ['subresource', 'namespace', 'name', 'fieldSelector'] as const)
    say(`${check}.${part}(string): ${check}`, (of: ResourceCheck, text: string) => of.with({ [part]: text }));
  // The authorizer here ignores labels.
  say(`${check}.labelSelector(string): ${check}`, (of: ResourceCheck) => of);
  say(`${check}.check(string): ${decision}`, (of: ResourceCheck, verb: string) => of.check(verb));
  say(`${pathCheck}.check(string): ${decision}`, (of: PathCheck, verb: string) => of.check(verb));
  say(`${decision}.allowed(): bool`, ({ allowed }: CelDecision) => allowed);
  say(`${decision}.reason(): string`, ({ reason }: CelDecision) => reason);
  say(`${decision}.errored(): bool`, () => false);
  say(`${decision}.error(): string`, () => '');
}
