/** `text` as an address; `undefined` when it is none. `URL.parse` is not in every engine that our code runs in. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    // The constructor throws for text that is no address; that is the answer asked for.
    return undefined;
  }
}
