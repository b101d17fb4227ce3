// Original file: proto/client.proto

import type { PacketType as _PacketType, PacketType__Output as _PacketType__Output } from './PacketType.js';
import type { DialRequest as _DialRequest, DialRequest__Output as _DialRequest__Output } from './DialRequest.js';
import type { DialResponse as _DialResponse, DialResponse__Output as _DialResponse__Output } from './DialResponse.js';
import type { Data as _Data, Data__Output as _Data__Output } from './Data.js';
import type { CloseRequest as _CloseRequest, CloseRequest__Output as _CloseRequest__Output } from './CloseRequest.js';
import type { CloseResponse as _CloseResponse, CloseResponse__Output as _CloseResponse__Output } from './CloseResponse.js';
import type { CloseDial as _CloseDial, CloseDial__Output as _CloseDial__Output } from './CloseDial.js';
import type { Drain as _Drain, Drain__Output as _Drain__Output } from './Drain.js';
import type { WindowUpdate as _WindowUpdate, WindowUpdate__Output as _WindowUpdate__Output } from './WindowUpdate.js';
import type { Held as _Held, Held__Output as _Held__Output } from './Held.js';

/**
 * `type` decides; a payload that does not fit it reads as zero values.
 */
export interface Packet {
  'type'?: (_PacketType);
  'dialRequest'?: (_DialRequest | null);
  'dialResponse'?: (_DialResponse | null);
  'data'?: (_Data | null);
  'closeRequest'?: (_CloseRequest | null);
  'closeResponse'?: (_CloseResponse | null);
  'closeDial'?: (_CloseDial | null);
  'drain'?: (_Drain | null);
  'windowUpdate'?: (_WindowUpdate | null);
  'held'?: (_Held | null);
  'payload'?: "dialRequest"|"dialResponse"|"data"|"closeRequest"|"closeResponse"|"closeDial"|"drain"|"windowUpdate"|"held";
}

/**
 * `type` decides; a payload that does not fit it reads as zero values.
 */
export interface Packet__Output {
  'type': (_PacketType__Output);
  'dialRequest'?: (_DialRequest__Output | null);
  'dialResponse'?: (_DialResponse__Output | null);
  'data'?: (_Data__Output | null);
  'closeRequest'?: (_CloseRequest__Output | null);
  'closeResponse'?: (_CloseResponse__Output | null);
  'closeDial'?: (_CloseDial__Output | null);
  'drain'?: (_Drain__Output | null);
  'windowUpdate'?: (_WindowUpdate__Output | null);
  'held'?: (_Held__Output | null);
  'payload'?: "dialRequest"|"dialResponse"|"data"|"closeRequest"|"closeResponse"|"closeDial"|"drain"|"windowUpdate"|"held";
}
