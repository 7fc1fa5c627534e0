import { messageOf } from "../../../platform/ports/result.ts";

/** What a disk said, without the path on this device that Node puts into its messages: nobody who reads it can go there. */
export function diskErrorText(thrown: unknown): string {
  const { code, syscall } = thrown as { code?: unknown; syscall?: unknown };
  return typeof code === "string" && typeof syscall === "string" ? `${code} (${syscall})` : messageOf(thrown);
}
