import { messageOf } from "../../../platform/ports/result.ts";

/** A disk error as text, without the local path that Node puts into its messages: whoever reads it cannot go there. */
export function diskErrorText(thrown: unknown): string {
  const { code, syscall } = thrown as { code?: unknown; syscall?: unknown };
  return typeof code === "string" && typeof syscall === "string" ? `${code} (${syscall})` : messageOf(thrown);
}
