/** Kinds of the named groups. `message-table.ts` describes the format. */
export const groupMessages = `
Deployment
  1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 status DeploymentStatus
DeploymentSpec
  1 replicas int32*, 2 selector LabelSelector, 3 template PodTemplateSpec, 4 strategy DeploymentStrategy !,
  5 minReadySeconds int32, 6 revisionHistoryLimit int32*, 7 paused bool, 9 progressDeadlineSeconds int32*
DeploymentStrategy
  1 type string, 2 rollingUpdate RollingUpdateDeployment
RollingUpdateDeployment
  1 maxUnavailable intstr, 2 maxSurge intstr
DeploymentStatus
  1 observedGeneration int64, 2 replicas int32, 3 updatedReplicas int32, 4 availableReplicas int32,
  5 unavailableReplicas int32, 6 conditions DeploymentCondition[] ^type #type, 7 readyReplicas int32,
  8 collisionCount int32*
DeploymentCondition
  1 type string, 2 status string, 4 reason string, 5 message string, 6 lastUpdateTime time,
  7 lastTransitionTime time
ReplicaSet
  1 metadata ObjectMeta, 2 spec ReplicaSetSpec, 3 status ReplicaSetStatus
ReplicaSetSpec
  1 replicas int32*, 2 selector LabelSelector, 3 template PodTemplateSpec, 4 minReadySeconds int32
ReplicaSetStatus
  1 replicas int32, 2 fullyLabeledReplicas int32, 3 observedGeneration int64, 4 readyReplicas int32,
  5 availableReplicas int32, 6 conditions ReplicaSetCondition[] ^type #type
ReplicaSetCondition
  1 type string, 2 status string, 3 lastTransitionTime time, 4 reason string, 5 message string
Lease
  1 metadata ObjectMeta, 2 spec LeaseSpec
LeaseSpec
  1 holderIdentity string*, 2 leaseDurationSeconds int32*, 3 acquireTime microtime, 4 renewTime microtime,
  5 leaseTransitions int32*, 6 strategy string*, 7 preferredHolder string*
EndpointSlice
  1 metadata ObjectMeta, 2 endpoints Endpoint[], 3 ports discovery.EndpointPort[], 4 addressType string
Endpoint
  1 addresses string[] #set, 2 conditions EndpointConditions, 3 hostname string*,
  4 targetRef ObjectReference, 5 deprecatedTopology {string}, 6 nodeName string*, 7 zone string*,
  8 hints EndpointHints
EndpointConditions
  1 ready bool*, 2 serving bool*, 3 terminating bool*
EndpointHints
  1 forZones ForZone[]
ForZone
  1 name string*
discovery.EndpointPort #atomic
  1 name string*, 2 protocol string*, 3 port int32*, 4 appProtocol string*
TokenReview
  1 metadata ObjectMeta, 2 spec TokenReviewSpec, 3 status TokenReviewStatus
TokenReviewSpec
  1 token string, 2 audiences string[]
TokenReviewStatus
  1 authenticated bool, 2 user UserInfo, 3 error string, 4 audiences string[]
UserInfo
  1 username string, 2 uid string, 3 groups string[], 4 extra {strings}
TokenRequest
  1 metadata ObjectMeta, 2 spec TokenRequestSpec, 3 status TokenRequestStatus
TokenRequestSpec
  1 audiences string[], 3 boundObjectRef BoundObjectReference, 4 expirationSeconds int64*
BoundObjectReference
  1 kind string, 2 apiVersion string, 3 name string, 4 uid string
TokenRequestStatus
  1 token string, 2 expirationTimestamp time
SelfSubjectReview
  1 metadata ObjectMeta, 2 status SelfSubjectReviewStatus
SelfSubjectReviewStatus
  1 userInfo UserInfo
SubjectAccessReview
  1 metadata ObjectMeta, 2 spec SubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus
SubjectAccessReviewSpec
  1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes, 3 user string,
  4 groups string[], 5 extra {strings}, 6 uid string
ResourceAttributes
  1 namespace string, 2 verb string, 3 group string, 4 version string, 5 resource string,
  6 subresource string, 7 name string, 8 fieldSelector FieldSelectorAttributes,
  9 labelSelector LabelSelectorAttributes
FieldSelectorAttributes
  1 rawSelector string, 2 requirements FieldSelectorRequirement[]
LabelSelectorAttributes
  1 rawSelector string, 2 requirements LabelSelectorRequirement[]
NonResourceAttributes
  1 path string, 2 verb string
SubjectAccessReviewStatus
  1 allowed bool, 2 reason string, 3 evaluationError string, 4 denied bool
SelfSubjectAccessReview
  1 metadata ObjectMeta, 2 spec SelfSubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec
  1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes
LocalSubjectAccessReview
  1 metadata ObjectMeta, 2 spec SubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus
SelfSubjectRulesReview
  1 metadata ObjectMeta, 2 spec SelfSubjectRulesReviewSpec, 3 status SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec
  1 namespace string
SubjectRulesReviewStatus
  1 resourceRules ResourceRule[], 2 nonResourceRules NonResourceRule[], 3 incomplete bool,
  4 evaluationError string
ResourceRule
  1 verbs string[], 2 apiGroups string[], 3 resources string[], 4 resourceNames string[]
NonResourceRule
  1 verbs string[], 2 nonResourceURLs string[]
Eviction
  1 metadata ObjectMeta, 2 deleteOptions DeleteOptions
Scale
  1 metadata ObjectMeta, 2 spec ScaleSpec, 3 status ScaleStatus
ScaleSpec
  1 replicas int32
ScaleStatus
  1 replicas int32, 2 selector string
Role
  1 metadata ObjectMeta, 2 rules PolicyRule[]
PolicyRule
  1 verbs string[], 2 apiGroups string[], 3 resources string[], 4 resourceNames string[],
  5 nonResourceURLs string[]
ClusterRole
  1 metadata ObjectMeta, 2 rules PolicyRule[], 3 aggregationRule AggregationRule
AggregationRule
  1 clusterRoleSelectors LabelSelector[]
RoleBinding
  1 metadata ObjectMeta, 2 subjects Subject[], 3 roleRef RoleRef
Subject #atomic
  1 kind string, 2 apiGroup string, 3 name string, 4 namespace string
RoleRef #atomic
  1 apiGroup string, 2 kind string, 3 name string
ClusterRoleBinding
  1 metadata ObjectMeta, 2 subjects Subject[], 3 roleRef RoleRef
MutatingWebhookConfiguration
  1 metadata ObjectMeta, 2 webhooks MutatingWebhook[] ^name #name
MutatingWebhook
  1 name string, 2 clientConfig WebhookClientConfig, 3 rules RuleWithOperations[], 4 failurePolicy string*,
  5 namespaceSelector LabelSelector, 6 sideEffects string*, 7 timeoutSeconds int32*,
  8 admissionReviewVersions string[], 9 matchPolicy string*, 10 reinvocationPolicy string*,
  11 objectSelector LabelSelector, 12 matchConditions MatchCondition[] ^name #name
WebhookClientConfig
  1 service ServiceReference, 2 caBundle bytes, 3 url string*
ServiceReference
  1 namespace string, 2 name string, 3 path string*, 4 port int32*
RuleWithOperations
  1 operations string[], 2 ... Rule
Rule
  1 apiGroups string[], 2 apiVersions string[], 3 resources string[], 4 scope string*
MatchCondition
  1 name string, 2 expression string
ValidatingWebhookConfiguration
  1 metadata ObjectMeta, 2 webhooks ValidatingWebhook[] ^name #name
ValidatingWebhook
  1 name string, 2 clientConfig WebhookClientConfig, 3 rules RuleWithOperations[], 4 failurePolicy string*,
  5 namespaceSelector LabelSelector, 6 sideEffects string*, 7 timeoutSeconds int32*,
  8 admissionReviewVersions string[], 9 matchPolicy string*, 10 objectSelector LabelSelector,
  11 matchConditions MatchCondition[] ^name #name
`;
