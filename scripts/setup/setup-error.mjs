/** A problem that the person at the terminal must solve first. Only its message is shown, without a stack. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}
