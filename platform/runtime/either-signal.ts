/** Aborts with the first of the two, for its reason. `AbortSignal.any` is not in every engine that our code runs in. */
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
