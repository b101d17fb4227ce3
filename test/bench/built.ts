/**
 * A module of the program as it is published. A module that is compiled while it runs gives each function a property more,
 * which costs memory and time.
 */
export function built<M>(path: string): Promise<M> {
  return import(new URL(`../../dist/${path}`, import.meta.url).href) as Promise<M>;
}
