/** Normalizes to lower-case `scheme://host:port` with an explicit port; `undefined` when `text` is not a WebSocket address. */
export function normalAudience(text: string): string | undefined {
  const match = /^(wss?):\/\/([^\s/?#@]+)\/?$/i.exec(text);
  if (match === null) return undefined;
  const scheme = (match[1] ?? "").toLowerCase();
  const authority = (match[2] ?? "").toLowerCase();
  const port = /:(\d{1,5})$/.exec(authority);
  if (port !== null) return `${scheme}://${authority}`;
  return `${scheme}://${authority}:${scheme === "wss" ? 443 : 80}`;
}

/** Whether `audience`, the address a device dialed, is one of `own`. */
export function isOwnAudience(audience: string, own: readonly string[]): boolean {
  const wanted = normalAudience(audience);
  return wanted !== undefined && own.some((origin) => normalAudience(origin) === wanted);
}
