import { nodeOfUser } from '../auth/node-authorizer.js';
import { rulesFor } from '../auth/rbac.js';
import { readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import type { Exchange, User } from '../request/exchange.js';
import { type FieldError, invalidObject, invalidValue, required } from '../request/invalid.js';
import type { ResourceRoute } from '../request/route.js';
import { unknownPath } from '../request/status.js';
import { at, listAt, textAt } from '../resources/api-object.js';
import { childOf, type JsonObject } from '../resources/json.js';
import type { Facade } from '../serving/facade.js';
import { asKind, decodeBody } from '../write/decode.js';
import { expectedKind, writeOf } from './write-answers.js';

type Reviewer = (facade: Facade, review: JsonObject, user: User) => JsonObject;

const reviewers: Readonly<Record<string, Reviewer>> = {
  LocalSubjectAccessReview: reviewLocalAccess,
  SelfSubjectAccessReview: reviewAccess,
  SelfSubjectRulesReview: reviewRules,
  SubjectAccessReview: (facade, review) => reviewAccess(facade, review, subjectOf(review)),
  SelfSubjectReview: (_facade, _review, user) => ({ userInfo: userInfo(user) }),
  TokenReview: reviewToken,
};

/** POST of a review: the answer is the same object with a status; nothing is stored. */
export async function handleReview(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const reviewer = reviewers[route.resource.kind];
  if (reviewer === undefined) throw unknownPath();
  const body = await readBody(exchange.request);
  const raw = body.length === 0 ? {} : await decodeBody(exchange.request, body);
  const { options, warn } = writeOf(facade, exchange, route, 'CreateOptions');
  const review = asKind(raw, expectedKind(route), { fieldValidation: options.fieldValidation, warn });
  const { namespace } = route;
  const metadata = {
    creationTimestamp: null,
    ...childOf(review, 'metadata'),
    ...(namespace === undefined ? {} : { namespace }),
  };
  const status = reviewer(facade, { ...review, metadata }, exchange.user);
  sendJson(exchange.response, { ...review, metadata, status }, 201);
}

function reviewToken(facade: Facade, review: JsonObject): JsonObject {
  const token = textAt(review, 'spec.token');
  if (token === '')
    throw invalidObject({ kind: 'TokenReview', group: 'authentication.k8s.io' }, '', [
      required('spec.token', 'token is required'),
    ]);
  const audiences = listAt(review, 'spec.audiences').map(String);
  const verdict = facade.authenticateToken(token, audiences.length > 0 ? audiences : undefined);
  switch (verdict.kind) {
    case 'good':
      return { authenticated: true, user: userInfo(verdict.user), audiences: verdict.audiences };
    case 'bad':
      return { user: {}, error: verdict.error };
    case 'foreign':
      return { user: {}, error: '[invalid bearer token, token lookup failed]' };
  }
}

function subjectOf(review: JsonObject): User {
  const name = textAt(review, 'spec.user');
  const groups = listAt(review, 'spec.groups').map(String);
  if (name === '' && groups.length === 0)
    throw invalidAccess(review, required('spec.user', 'at least one of user or group must be specified'));
  return { name, groups };
}

/** A user who may ask about one namespace gets no answer about others. */
function reviewLocalAccess(facade: Facade, review: JsonObject): JsonObject {
  const namespace = textAt(review, 'spec.resourceAttributes.namespace');
  if (at(review, 'spec.nonResourceAttributes') !== undefined)
    throw invalidAccess(
      review,
      invalidValue('spec.nonResourceAttributes', null, 'disallowed on this kind of request'),
    );
  if (namespace !== textAt(review, 'metadata.namespace'))
    throw invalidAccess(
      review,
      invalidValue('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'),
    );
  return reviewAccess(facade, review, subjectOf(review));
}

function reviewAccess({ authorize }: Facade, review: JsonObject, user: User): JsonObject {
  const text = (path: string): string => textAt(review, `spec.resourceAttributes.${path}`);
  const isResource = at(review, 'spec.resourceAttributes') !== undefined;
  if (isResource === (at(review, 'spec.nonResourceAttributes') !== undefined))
    throw invalidAccess(
      review,
      invalidValue(
        'spec.resourceAttributes',
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    );
  const { allowed, reason } = isResource
    ? authorize({
        kind: 'resource',
        user,
        verb: text('verb'),
        group: text('group'),
        resource: text('resource'),
        subresource: text('subresource'),
        namespace: text('namespace'),
        name: text('name'),
      })
    : authorize({
        kind: 'path',
        user,
        verb: textAt(review, 'spec.nonResourceAttributes.verb'),
        path: textAt(review, 'spec.nonResourceAttributes.path'),
      });
  return { allowed, ...(reason === '' ? {} : { reason }) };
}

function invalidAccess(review: JsonObject, error: FieldError): Error {
  return invalidObject({ kind: String(review['kind']), group: 'authorization.k8s.io' }, '', [error]);
}

/** What a user may do in a namespace, as far as rules show it. */
function reviewRules({ store }: Facade, review: JsonObject, user: User): JsonObject {
  const rules = rulesFor(store, user, textAt(review, 'spec.namespace')).map(({ rule }) => rule);
  const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const isSuper = user.groups.includes('system:masters');
  return {
    resourceRules: [
      ...(isSuper ? [all] : []),
      ...rules
        .filter(({ resources }) => resources.length > 0)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups,
          resources,
          ...(resourceNames.length === 0 ? {} : { resourceNames }),
        })),
    ],
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    ...(nodeOfUser(user) === undefined
      ? { incomplete: false }
      : { incomplete: true, evaluationError: 'node authorizer does not support user rule resolution' }),
  };
}

function userInfo({ name, groups, uid, extra }: User): JsonObject {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}
