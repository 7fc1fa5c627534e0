/**
 * Advice for a wrong picture, by its cause rather than its symptom: a browser that does not start leaves the screen dark,
 * and no cable fixes that. The patterns match how the error messages of the player host begin.
 */
const BY_CAUSE: readonly (readonly [cause: RegExp, todo: string])[] = [
  [/^no browser: it was started and has not answered/, "wait: a small machine takes half a minute; if nothing changes, the browser hangs: run it by hand as the player's user, or name another one"],
  [/^no browser: /, "the browser does not start or keeps exiting: its last output is above; run it by hand as the player's user, and check that its package is intact"],
  [/^renderer\./, "the content crashes the browser's page process: check its memory use and the player's log"],
  [/^gpu\./, "the graphics driver fails: check the kernel's log, and restart the device"],
  [/^window\./, "something else is on the screen: see what it is above, and whether the browser's policies are in place"],
  [/^package\./, "the content package cannot be shown: send it again, and check its entry page"],
  [/^net\./, "check the network and the content's address, and whether its server answers"],
];

/** Advice for the errors of a stage or the statements of witnesses; `otherwise` when no known cause matches. */
export function adviceFor(says: readonly string[], otherwise: string): string {
  for (const [cause, todo] of BY_CAUSE) if (says.some((text) => cause.test(text))) return todo;
  return otherwise;
}
