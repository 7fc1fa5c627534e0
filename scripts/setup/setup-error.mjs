/** Something the person at the terminal must do first. Shown as its message alone, without a stack. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}
