import { createReadStream } from 'node:fs';
import { TunnelError } from '../core/errors.js';
import { type Recording, RecordingReader, version, writer } from './recording-lines.js';

/** The first line of a recording. */
export function headerLine(startedAtMs: number, seed?: number): string {
  const startedAt = new Date(startedAtMs).toISOString();
  return JSON.stringify({ recording: writer, version, seed, startedAt });
}

/**
 * Reads a recording. Rejects with FILE_UNREADABLE, or with RECORDING_INVALID for a file that is not one, or has a line in
 * its midst that is no event.
 */
export async function readRecording(path: string): Promise<Recording> {
  const reader = new RecordingReader(path);
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) reader.take(line);
    }
  } catch (cause) {
    if (cause instanceof TunnelError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TunnelError('FILE_UNREADABLE', `${path}: ${reason}`, { where: path, cause });
  }
  return reader.end(rest);
}
