import { type Recording, RecordingReader } from '../../observe/recording-lines.js';

/** Reads a recording that was dropped on the page. Nothing is sent anywhere. Throws RECORDING_INVALID. */
export async function readFile(file: File): Promise<Recording> {
  const lines = (await file.text()).split('\n');
  const rest = lines.pop() ?? '';
  const reader = new RecordingReader(file.name);
  for (const line of lines) reader.take(line);
  return reader.end(rest);
}
