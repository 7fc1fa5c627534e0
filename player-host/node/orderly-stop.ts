/**
 * Call at the start. Returns whether a request to end, by this signal, is an orderly stop by somebody.
 *
 * systemd also sends SIGTERM to what is left of a service whose main process died, such as a compositor that crashed. The host
 * is its child then, and has lost its parent before the signal came. In an orderly stop both get the signal together, and the
 * compositor takes longer to end than this question.
 */
export function orderlyStops(): (signal: NodeJS.Signals) => boolean {
  const parent = process.ppid;
  return (signal) => (signal === "SIGTERM" || signal === "SIGINT") && process.ppid === parent;
}
