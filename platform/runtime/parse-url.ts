/** `text` as a URL, or `undefined` if invalid. `URL.parse` is not available in every engine this code runs in. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    // The constructor throws for an invalid URL.
    return undefined;
  }
}
