/**
 * What to do about a picture that is wrong, by its cause and not by its symptom: a browser that does not start makes a
 * dark screen, and no cable mends it. The causes are the words the player host begins its errors with.
 */
const BY_CAUSE: readonly (readonly [cause: RegExp, todo: string])[] = [
  [/^no browser: it was started and has not answered/, "wait for it, a small machine takes half a minute; when it stays so, the browser hangs: run it by hand as the player's user, or name another one"],
  [/^no browser: /, "the browser does not start or does not stay: what it said last is above; run it by hand as the player's user, and check that its package is whole"],
  [/^renderer\./, "the content brings the browser's page process down: check its use of memory, and the player's log"],
  [/^gpu\./, "the graphics driver fails: check the kernel's log, and restart the device"],
  [/^window\./, "something else is on the screen: see what it is above, and whether the browser's policies are in place"],
  [/^package\./, "the content package cannot be shown: send it again, and check its entry page"],
  [/^net\./, "check the network and the content's address, and whether its server answers"],
];

/** Advice for an error of the stage or a witness's words; `otherwise` where the cause is none of these. Pure. */
export function adviceFor(says: readonly string[], otherwise: string): string {
  for (const [cause, todo] of BY_CAUSE) if (says.some((text) => cause.test(text))) return todo;
  return otherwise;
}
