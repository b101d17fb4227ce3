import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Change as _konnsim_store_v1_Change, Change__Output as _konnsim_store_v1_Change__Output } from './konnsim/store/v1/Change.js';
import type { CommitRequest as _konnsim_store_v1_CommitRequest, CommitRequest__Output as _konnsim_store_v1_CommitRequest__Output } from './konnsim/store/v1/CommitRequest.js';
import type { CommitResponse as _konnsim_store_v1_CommitResponse, CommitResponse__Output as _konnsim_store_v1_CommitResponse__Output } from './konnsim/store/v1/CommitResponse.js';
import type { FollowRequest as _konnsim_store_v1_FollowRequest, FollowRequest__Output as _konnsim_store_v1_FollowRequest__Output } from './konnsim/store/v1/FollowRequest.js';
import type { FollowResponse as _konnsim_store_v1_FollowResponse, FollowResponse__Output as _konnsim_store_v1_FollowResponse__Output } from './konnsim/store/v1/FollowResponse.js';
import type { Identity as _konnsim_store_v1_Identity, Identity__Output as _konnsim_store_v1_Identity__Output } from './konnsim/store/v1/Identity.js';
import type { ReadRevisionRequest as _konnsim_store_v1_ReadRevisionRequest, ReadRevisionRequest__Output as _konnsim_store_v1_ReadRevisionRequest__Output } from './konnsim/store/v1/ReadRevisionRequest.js';
import type { ReadRevisionResponse as _konnsim_store_v1_ReadRevisionResponse, ReadRevisionResponse__Output as _konnsim_store_v1_ReadRevisionResponse__Output } from './konnsim/store/v1/ReadRevisionResponse.js';
import type { StoreClient as _konnsim_store_v1_StoreClient, StoreDefinition as _konnsim_store_v1_StoreDefinition } from './konnsim/store/v1/Store.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  konnsim: {
    store: {
      v1: {
        Change: MessageTypeDefinition<_konnsim_store_v1_Change, _konnsim_store_v1_Change__Output>
        CommitRequest: MessageTypeDefinition<_konnsim_store_v1_CommitRequest, _konnsim_store_v1_CommitRequest__Output>
        CommitResponse: MessageTypeDefinition<_konnsim_store_v1_CommitResponse, _konnsim_store_v1_CommitResponse__Output>
        FollowRequest: MessageTypeDefinition<_konnsim_store_v1_FollowRequest, _konnsim_store_v1_FollowRequest__Output>
        FollowResponse: MessageTypeDefinition<_konnsim_store_v1_FollowResponse, _konnsim_store_v1_FollowResponse__Output>
        Identity: MessageTypeDefinition<_konnsim_store_v1_Identity, _konnsim_store_v1_Identity__Output>
        ReadRevisionRequest: MessageTypeDefinition<_konnsim_store_v1_ReadRevisionRequest, _konnsim_store_v1_ReadRevisionRequest__Output>
        ReadRevisionResponse: MessageTypeDefinition<_konnsim_store_v1_ReadRevisionResponse, _konnsim_store_v1_ReadRevisionResponse__Output>
        Store: SubtypeConstructor<typeof grpc.Client, _konnsim_store_v1_StoreClient> & { service: _konnsim_store_v1_StoreDefinition }
      }
    }
  }
}

