/** The other end of a Worker: the first message sets it up, each later one is a request. Ends with its parent. */
export function serve<Setup, Request>(
  start: (setup: Setup) => Promise<{ hello: unknown; handle: (request: Request) => Promise<unknown> }>,
): void {
  let handle: ((request: Request) => Promise<unknown>) | undefined;
  const answer = async (message: unknown): Promise<unknown> => {
    if (handle !== undefined) return handle(message as Request);
    const started = await start(message as Setup);
    handle = started.handle;
    return started.hello;
  };
  process.on('message', (message) => {
    answer(message).then(
      (ok) => process.send?.({ ok: ok ?? null }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C reaches the whole group; the parent decides.
  process.on('SIGINT', () => undefined);
}
