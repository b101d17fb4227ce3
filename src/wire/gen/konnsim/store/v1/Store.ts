// Original file: proto/store.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CommitRequest as _konnsim_store_v1_CommitRequest, CommitRequest__Output as _konnsim_store_v1_CommitRequest__Output } from '../../../konnsim/store/v1/CommitRequest.js';
import type { CommitResponse as _konnsim_store_v1_CommitResponse, CommitResponse__Output as _konnsim_store_v1_CommitResponse__Output } from '../../../konnsim/store/v1/CommitResponse.js';
import type { FollowRequest as _konnsim_store_v1_FollowRequest, FollowRequest__Output as _konnsim_store_v1_FollowRequest__Output } from '../../../konnsim/store/v1/FollowRequest.js';
import type { FollowResponse as _konnsim_store_v1_FollowResponse, FollowResponse__Output as _konnsim_store_v1_FollowResponse__Output } from '../../../konnsim/store/v1/FollowResponse.js';
import type { ReadRevisionRequest as _konnsim_store_v1_ReadRevisionRequest, ReadRevisionRequest__Output as _konnsim_store_v1_ReadRevisionRequest__Output } from '../../../konnsim/store/v1/ReadRevisionRequest.js';
import type { ReadRevisionResponse as _konnsim_store_v1_ReadRevisionResponse, ReadRevisionResponse__Output as _konnsim_store_v1_ReadRevisionResponse__Output } from '../../../konnsim/store/v1/ReadRevisionResponse.js';

export interface StoreClient extends grpc.Client {
  /**
   * Writes an object, if it is as the caller has seen it.
   */
  Commit(argument: _konnsim_store_v1_CommitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  Commit(argument: _konnsim_store_v1_CommitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  Commit(argument: _konnsim_store_v1_CommitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  Commit(argument: _konnsim_store_v1_CommitRequest, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Writes an object, if it is as the caller has seen it.
   */
  commit(argument: _konnsim_store_v1_CommitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  commit(argument: _konnsim_store_v1_CommitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  commit(argument: _konnsim_store_v1_CommitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  commit(argument: _konnsim_store_v1_CommitRequest, callback: grpc.requestCallback<_konnsim_store_v1_CommitResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * All changes in the order of revisions, for as long as the call lasts. A caller that has a state goes on from there if
   * the store still knows what came since; else all objects come first.
   */
  Follow(argument: _konnsim_store_v1_FollowRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_store_v1_FollowResponse__Output>;
  Follow(argument: _konnsim_store_v1_FollowRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_store_v1_FollowResponse__Output>;
  /**
   * All changes in the order of revisions, for as long as the call lasts. A caller that has a state goes on from there if
   * the store still knows what came since; else all objects come first.
   */
  follow(argument: _konnsim_store_v1_FollowRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_store_v1_FollowResponse__Output>;
  follow(argument: _konnsim_store_v1_FollowRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_store_v1_FollowResponse__Output>;
  
  /**
   * What a follower must have reached to know all that was written before.
   */
  ReadRevision(argument: _konnsim_store_v1_ReadRevisionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  ReadRevision(argument: _konnsim_store_v1_ReadRevisionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  ReadRevision(argument: _konnsim_store_v1_ReadRevisionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  ReadRevision(argument: _konnsim_store_v1_ReadRevisionRequest, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  /**
   * What a follower must have reached to know all that was written before.
   */
  readRevision(argument: _konnsim_store_v1_ReadRevisionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  readRevision(argument: _konnsim_store_v1_ReadRevisionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  readRevision(argument: _konnsim_store_v1_ReadRevisionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  readRevision(argument: _konnsim_store_v1_ReadRevisionRequest, callback: grpc.requestCallback<_konnsim_store_v1_ReadRevisionResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface StoreHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Writes an object, if it is as the caller has seen it.
   */
  Commit: grpc.handleUnaryCall<_konnsim_store_v1_CommitRequest__Output, _konnsim_store_v1_CommitResponse>;
  
  /**
   * All changes in the order of revisions, for as long as the call lasts. A caller that has a state goes on from there if
   * the store still knows what came since; else all objects come first.
   */
  Follow: grpc.handleServerStreamingCall<_konnsim_store_v1_FollowRequest__Output, _konnsim_store_v1_FollowResponse>;
  
  /**
   * What a follower must have reached to know all that was written before.
   */
  ReadRevision: grpc.handleUnaryCall<_konnsim_store_v1_ReadRevisionRequest__Output, _konnsim_store_v1_ReadRevisionResponse>;
  
}

export interface StoreDefinition extends grpc.ServiceDefinition {
  Commit: MethodDefinition<_konnsim_store_v1_CommitRequest, _konnsim_store_v1_CommitResponse, _konnsim_store_v1_CommitRequest__Output, _konnsim_store_v1_CommitResponse__Output>
  Follow: MethodDefinition<_konnsim_store_v1_FollowRequest, _konnsim_store_v1_FollowResponse, _konnsim_store_v1_FollowRequest__Output, _konnsim_store_v1_FollowResponse__Output>
  ReadRevision: MethodDefinition<_konnsim_store_v1_ReadRevisionRequest, _konnsim_store_v1_ReadRevisionResponse, _konnsim_store_v1_ReadRevisionRequest__Output, _konnsim_store_v1_ReadRevisionResponse__Output>
}
