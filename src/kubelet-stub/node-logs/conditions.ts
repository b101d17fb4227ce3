import type { IncomingHttpHeaders } from 'node:http';

/** The result of the conditions: go on, the client has the file already, or it wanted another version. */
export type Precondition = 'met' | 'notModified' | 'failed';

/** Checks the conditions of a GET for something without an ETag, in the order of RFC 9110, as Go's file server does. */
export function checkConditions(headers: IncomingHttpHeaders, modifiedMs: number): Precondition {
  const unmodifiedSince = timeOf(headers['if-unmodified-since']);
  if (headers['if-match'] !== undefined) {
    if (headers['if-match'].trim() !== '*') return 'failed';
  } else if (unmodifiedSince !== undefined && seconds(modifiedMs) > seconds(unmodifiedSince)) {
    return 'failed';
  }
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined) return noneMatch.trim() === '*' ? 'notModified' : 'met';
  const since = timeOf(headers['if-modified-since']);
  return since !== undefined && seconds(modifiedMs) <= seconds(since) ? 'notModified' : 'met';
}

/** Whether the `Range` header counts. It does not if it is meant for another version of the file. */
export function rangeApplies(headers: IncomingHttpHeaders, modifiedMs: number): boolean {
  const text = headers['if-range'];
  if (text === undefined || Array.isArray(text)) return true;
  const wanted = timeOf(text);
  return wanted !== undefined && seconds(wanted) === seconds(modifiedMs);
}

/** An HTTP time, such as `Sun, 01 Mar 2026 10:00:00 GMT`. Its precision is a second. */
export function httpTime(timeMs: number): string {
  return new Date(timeMs).toUTCString();
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text))
    return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function seconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}
