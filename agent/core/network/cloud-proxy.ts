/**
 * The proxy of the agent's own connections. Read for each new connection, so a change needs no restart; open connections
 * are not affected.
 */
export interface CloudProxy {
  /** The configured proxy, used until desired state sets one. */
  readonly configured: string | undefined;
  current(): string | undefined;
  set(proxy: string | undefined): void;
}
