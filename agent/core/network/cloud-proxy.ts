/**
 * The proxy through which the agent itself gets out. Read at each new connection, so that a change needs no restart;
 * connections that are open stay as they are.
 */
export interface CloudProxy {
  /** Of the configuration; what holds while desired state never set one. */
  readonly configured: string | undefined;
  current(): string | undefined;
  set(proxy: string | undefined): void;
}
