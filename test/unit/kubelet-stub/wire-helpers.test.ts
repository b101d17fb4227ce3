import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable, TunnelError } from '../../../src/core/errors.js';
import { errorFromStatus, statusFromError } from '../../../src/wire/net/grpc-status.js';
import { pieceBytes, piecesOf } from '../../../src/wire/net/message-pieces.js';

function received(code: status, details: string, metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe('errors in gRPC statuses', () => {
  it.each(Object.keys(errorTable) as ErrorCode[])('carry %s there and back, with text and place', (code) => {
    const sent = statusFromError(new TunnelError(code, 'straße gone', { where: 'agent/nöde 1' }));
    expect(sent.code).not.toBe(status.OK);
    const rebuilt = errorFromStatus(received(sent.code, sent.details, sent.metadata), 'elsewhere');
    expect(rebuilt).toMatchObject({ code, message: 'straße gone', where: 'agent/nöde 1' });
  });

  it('are read from the status when they come from another server', () => {
    const codes = [
      status.UNAUTHENTICATED,
      status.UNIMPLEMENTED,
      status.UNAVAILABLE,
      status.INTERNAL,
      status.UNKNOWN,
    ];
    expect(codes.map((code) => errorFromStatus(received(code, 'x'), 'kubelet').code)).toEqual([
      ...['UNAUTHORIZED', 'PROTOCOL_VIOLATION', 'TUNNEL_CLOSED', 'INTERNAL', 'INTERNAL'],
    ]);
    const metadata = new Metadata();
    metadata.set('konnsim-code', 'NO_SUCH_CODE');
    metadata.set('konnsim-where', '%zz');
    const strange = errorFromStatus(received(status.NOT_FOUND, 'x', metadata), 'kubelet');
    expect([strange.code, strange.where]).toEqual(['INTERNAL', '%zz']);
  });
});

describe('pieces', () => {
  it('hold the bytes of all chunks in order, none too large, none needlessly small', () => {
    const sizes = fc.array(fc.nat({ max: 3 * pieceBytes }), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const chunks = lengths.map((length, index) => Buffer.alloc(length, index));
        const pieces = [...piecesOf(chunks)];
        expect(Buffer.concat(pieces).equals(Buffer.concat(chunks))).toBe(true);
        expect(pieces.every(({ length }) => length > 0 && length <= pieceBytes)).toBe(true);
        const total = lengths.reduce((sum, length) => sum + length, 0);
        expect(pieces.length).toBeLessThanOrEqual(2 * Math.ceil(total / pieceBytes));
      }),
    );
  });
});
