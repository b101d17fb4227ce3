// Original file: proto/observe.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { EventBatch as _konnsim_observe_v1_EventBatch, EventBatch__Output as _konnsim_observe_v1_EventBatch__Output } from '../../../konnsim/observe/v1/EventBatch.js';
import type { EventsRequest as _konnsim_observe_v1_EventsRequest, EventsRequest__Output as _konnsim_observe_v1_EventsRequest__Output } from '../../../konnsim/observe/v1/EventsRequest.js';
import type { ReadClockRequest as _konnsim_observe_v1_ReadClockRequest, ReadClockRequest__Output as _konnsim_observe_v1_ReadClockRequest__Output } from '../../../konnsim/observe/v1/ReadClockRequest.js';
import type { ReadClockResponse as _konnsim_observe_v1_ReadClockResponse, ReadClockResponse__Output as _konnsim_observe_v1_ReadClockResponse__Output } from '../../../konnsim/observe/v1/ReadClockResponse.js';

export interface ObserveClient extends grpc.Client {
  /**
   * What the process still holds, oldest first, and then, when asked to follow, what comes. Response metadata come at
   * once. While it follows, a batch comes at least every 200 ms, be it empty: its `now_ms` says that nothing older
   * will come.
   */
  Events(argument: _konnsim_observe_v1_EventsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_observe_v1_EventBatch__Output>;
  Events(argument: _konnsim_observe_v1_EventsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_observe_v1_EventBatch__Output>;
  /**
   * What the process still holds, oldest first, and then, when asked to follow, what comes. Response metadata come at
   * once. While it follows, a batch comes at least every 200 ms, be it empty: its `now_ms` says that nothing older
   * will come.
   */
  events(argument: _konnsim_observe_v1_EventsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_observe_v1_EventBatch__Output>;
  events(argument: _konnsim_observe_v1_EventsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_observe_v1_EventBatch__Output>;
  
  /**
   * The process's clock, to be compared with one's own.
   */
  ReadClock(argument: _konnsim_observe_v1_ReadClockRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  ReadClock(argument: _konnsim_observe_v1_ReadClockRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  ReadClock(argument: _konnsim_observe_v1_ReadClockRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  ReadClock(argument: _konnsim_observe_v1_ReadClockRequest, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  /**
   * The process's clock, to be compared with one's own.
   */
  readClock(argument: _konnsim_observe_v1_ReadClockRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  readClock(argument: _konnsim_observe_v1_ReadClockRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  readClock(argument: _konnsim_observe_v1_ReadClockRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  readClock(argument: _konnsim_observe_v1_ReadClockRequest, callback: grpc.requestCallback<_konnsim_observe_v1_ReadClockResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface ObserveHandlers extends grpc.UntypedServiceImplementation {
  /**
   * What the process still holds, oldest first, and then, when asked to follow, what comes. Response metadata come at
   * once. While it follows, a batch comes at least every 200 ms, be it empty: its `now_ms` says that nothing older
   * will come.
   */
  Events: grpc.handleServerStreamingCall<_konnsim_observe_v1_EventsRequest__Output, _konnsim_observe_v1_EventBatch>;
  
  /**
   * The process's clock, to be compared with one's own.
   */
  ReadClock: grpc.handleUnaryCall<_konnsim_observe_v1_ReadClockRequest__Output, _konnsim_observe_v1_ReadClockResponse>;
  
}

export interface ObserveDefinition extends grpc.ServiceDefinition {
  Events: MethodDefinition<_konnsim_observe_v1_EventsRequest, _konnsim_observe_v1_EventBatch, _konnsim_observe_v1_EventsRequest__Output, _konnsim_observe_v1_EventBatch__Output>
  ReadClock: MethodDefinition<_konnsim_observe_v1_ReadClockRequest, _konnsim_observe_v1_ReadClockResponse, _konnsim_observe_v1_ReadClockRequest__Output, _konnsim_observe_v1_ReadClockResponse__Output>
}
