import { describe, expect, it } from 'vitest';
import {
  decodeErrorStream,
  encodeStatus,
  internalErrorStatus,
  kubeletStatus,
  translatorStatus,
} from '../../../src/streams/status.js';

const json = (status: object): string => JSON.stringify(status);

describe('status of a remote command', () => {
  it('is written as Go writes it', () => {
    expect(encodeStatus(kubeletStatus({ kind: 'exit', code: 0 }, 'exec'), true).toString()).toBe(
      '{"metadata":{},"status":"Success"}',
    );
    expect(encodeStatus(kubeletStatus({ kind: 'error', message: 'boom' }, 'exec'), true).toString()).toBe(
      '{"metadata":{},"status":"Failure",' +
        '"message":"Internal error occurred: error executing command in container: boom",' +
        '"reason":"InternalError",' +
        '"details":{"causes":[{"message":"error executing command in container: boom"}]},"code":500}',
    );
  });

  it('is plain text before v4, and nothing for success', () => {
    expect(encodeStatus(kubeletStatus({ kind: 'exit', code: 0 }, 'exec'), false).toString()).toBe('');
    expect(encodeStatus(internalErrorStatus('x'), false).toString()).toBe('Internal error occurred: x');
  });

  it('survives the way through client and translator', () => {
    for (const code of [0, 1, 42, 255]) {
      const text = encodeStatus(translatorStatus({ kind: 'exit', code }), true).toString();
      expect(decodeErrorStream(text, true)).toEqual({ kind: 'exit', code });
    }
  });

  it('is success when the stream is empty, in every version', () => {
    expect(decodeErrorStream('', true)).toEqual({ kind: 'exit', code: 0 });
    expect(decodeErrorStream('', false)).toEqual({ kind: 'exit', code: 0 });
  });

  it.each([
    [
      json({ status: 'Failure', reason: 'NonZeroExitCode' }),
      'error stream protocol error: details must be set',
    ],
    [
      json({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [] } }),
      'error stream protocol error: no ExitCode cause given',
    ],
    [
      json({
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '256' }] },
      }),
      'error stream protocol error: invalid exit code value "256"',
    ],
    [json({ status: 'Other' }), 'error stream protocol error: unknown error'],
    ['null', 'error stream protocol error: unknown error'],
    [json({ status: 'Failure', reason: 'InternalError', message: 'as it is' }), 'as it is'],
  ])('is read as client-go reads %s', (text, message) => {
    expect(decodeErrorStream(text, true)).toEqual({ kind: 'error', message });
  });

  it('that is no JSON is an error which quotes it', () => {
    const result = decodeErrorStream('not json', true);
    expect(result.kind === 'error' && result.message).toMatch(
      /^error stream protocol error: .* in "not json"$/,
    );
  });
});
