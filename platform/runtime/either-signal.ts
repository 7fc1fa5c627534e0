/** Aborts when either signal aborts, with its reason. `AbortSignal.any` is not available in every engine this code runs in. */
export function eitherSignal(a: AbortSignal, b: AbortSignal): AbortSignal {
  const either = new AbortController();
  const follow = (signal: AbortSignal): void => {
    if (signal.aborted) either.abort(signal.reason);
    else signal.addEventListener("abort", () => either.abort(signal.reason), { once: true });
  };
  follow(a);
  follow(b);
  return either.signal;
}
