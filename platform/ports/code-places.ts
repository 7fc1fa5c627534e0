/** Where a code can occur. */
export const PLACES = {
  command: "the outcome of a command, or the answer to one",
  desired: "the answer to a key of the desired document, or to the document",
  alarm: "an alarm",
  health: "the reported `health`",
  reading: "a value of the reported state, or of `diagnostics.run`, that could not be read",
  link: "the state of the link to the cloud, and the log",
  frame: "an `error` message to the cloud, and the counters of refused frames",
  record: "the answer to a record for the cloud (also the page's), and the counters of the outbox",
  page: "a promise of the page API, and its counters",
  screen: "the state of the player and its fault page",
  local: "the local API and the device's command line",
  start: "what a program says as it starts: log, standard error",
} as const;

type Place = keyof typeof PLACES;
/** Places, what happened, and the remedy, if there is one. */
export type CodeEntry = readonly [places: Place | `${Place} ${Place}` | `${Place} ${Place} ${Place}` | `${Place} ${Place} ${Place} ${Place}`, happened: string, remedy?: string];
