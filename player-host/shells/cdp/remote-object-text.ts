import type { Protocol } from "devtools-protocol";

/** What a page's value says to a person: the text, else the browser's description of it. */
export function textOf(argument: Protocol.Runtime.RemoteObject): string {
  return typeof argument.value === "string" ? argument.value : (argument.description ?? JSON.stringify(argument.value) ?? argument.type);
}
