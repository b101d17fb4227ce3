// Original file: proto/client.proto

/**
 * DIAL_REQ is 0, so it is absent on the wire, and an empty message is a DIAL_REQ.
 */
export const PacketType = {
  DIAL_REQ: 'DIAL_REQ',
  DIAL_RSP: 'DIAL_RSP',
  CLOSE_REQ: 'CLOSE_REQ',
  CLOSE_RSP: 'CLOSE_RSP',
  DATA: 'DATA',
  DIAL_CLS: 'DIAL_CLS',
  DRAIN: 'DRAIN',
  WINDOW_UPDATE: 'WINDOW_UPDATE',
  HELD: 'HELD',
} as const;

/**
 * DIAL_REQ is 0, so it is absent on the wire, and an empty message is a DIAL_REQ.
 */
export type PacketType =
  | 'DIAL_REQ'
  | 0
  | 'DIAL_RSP'
  | 1
  | 'CLOSE_REQ'
  | 2
  | 'CLOSE_RSP'
  | 3
  | 'DATA'
  | 4
  | 'DIAL_CLS'
  | 5
  | 'DRAIN'
  | 6
  | 'WINDOW_UPDATE'
  | 100
  | 'HELD'
  | 101

/**
 * DIAL_REQ is 0, so it is absent on the wire, and an empty message is a DIAL_REQ.
 */
export type PacketType__Output = typeof PacketType[keyof typeof PacketType]
