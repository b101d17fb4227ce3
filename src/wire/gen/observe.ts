import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Event as _konnsim_observe_v1_Event, Event__Output as _konnsim_observe_v1_Event__Output } from './konnsim/observe/v1/Event.js';
import type { EventBatch as _konnsim_observe_v1_EventBatch, EventBatch__Output as _konnsim_observe_v1_EventBatch__Output } from './konnsim/observe/v1/EventBatch.js';
import type { EventsRequest as _konnsim_observe_v1_EventsRequest, EventsRequest__Output as _konnsim_observe_v1_EventsRequest__Output } from './konnsim/observe/v1/EventsRequest.js';
import type { ObserveClient as _konnsim_observe_v1_ObserveClient, ObserveDefinition as _konnsim_observe_v1_ObserveDefinition } from './konnsim/observe/v1/Observe.js';
import type { ReadClockRequest as _konnsim_observe_v1_ReadClockRequest, ReadClockRequest__Output as _konnsim_observe_v1_ReadClockRequest__Output } from './konnsim/observe/v1/ReadClockRequest.js';
import type { ReadClockResponse as _konnsim_observe_v1_ReadClockResponse, ReadClockResponse__Output as _konnsim_observe_v1_ReadClockResponse__Output } from './konnsim/observe/v1/ReadClockResponse.js';
import type { Value as _konnsim_observe_v1_Value, Value__Output as _konnsim_observe_v1_Value__Output } from './konnsim/observe/v1/Value.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  konnsim: {
    observe: {
      v1: {
        Event: MessageTypeDefinition<_konnsim_observe_v1_Event, _konnsim_observe_v1_Event__Output>
        EventBatch: MessageTypeDefinition<_konnsim_observe_v1_EventBatch, _konnsim_observe_v1_EventBatch__Output>
        EventsRequest: MessageTypeDefinition<_konnsim_observe_v1_EventsRequest, _konnsim_observe_v1_EventsRequest__Output>
        Observe: SubtypeConstructor<typeof grpc.Client, _konnsim_observe_v1_ObserveClient> & { service: _konnsim_observe_v1_ObserveDefinition }
        ReadClockRequest: MessageTypeDefinition<_konnsim_observe_v1_ReadClockRequest, _konnsim_observe_v1_ReadClockRequest__Output>
        ReadClockResponse: MessageTypeDefinition<_konnsim_observe_v1_ReadClockResponse, _konnsim_observe_v1_ReadClockResponse__Output>
        Value: MessageTypeDefinition<_konnsim_observe_v1_Value, _konnsim_observe_v1_Value__Output>
      }
    }
  }
}

