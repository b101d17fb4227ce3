import type { Problem } from '../../control/contract.js';

/** An answer of the control API, or why there is none. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly detail: string; readonly hint: string; readonly code: string };

/** Calls the control API of the lab that serves this page. Never throws. */
export async function callApi<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const value: unknown = text === '' ? {} : JSON.parse(text);
    if (response.ok) return { ok: true, value: value as T };
    const { detail, hint, code } = value as Partial<Problem>;
    return { ok: false, detail: detail ?? `status ${response.status}`, hint: hint ?? '', code: code ?? '' };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, detail, hint: 'Is the lab still running?', code: 'UNREACHABLE' };
  }
}
