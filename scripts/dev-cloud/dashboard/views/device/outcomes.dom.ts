import { useMemo } from "preact/hooks";
import { isJsonObject } from "../../../../../platform/runtime/json.ts";
import type { CommandView } from "../../model/api-types.ts";
import { tell } from "../../model/reading-text.ts";
import { useChanges } from "../../ui/hooks.dom.ts";
import type { DeviceContext } from "./context.dom.ts";

/** Announces each final outcome of this device's commands once, in every section. */
export function useOutcomes({ store, announcer, id }: DeviceContext): void {
  const said = useMemo(() => new Set<string>(), [id]);
  useChanges(store, (change) => {
    if (change.t !== "command" || change.command.device !== id || change.command.internal || !change.command.final) return;
    const key = `${change.command.id}/${change.command.attempt}`;
    if (said.has(key)) return;
    said.add(key);
    announcer.say(outcomeSentence(change.command), change.command.state === "succeeded" ? "good" : "bad");
  });
}

export function outcomeSentence(command: CommandView): string {
  const observed = isJsonObject(command.effect) && isJsonObject(command.effect["observed"]) ? tell(command.effect["observed"]) : undefined;
  const seen = observed === undefined ? "" : observed.kind === "ok" ? `; observed ${observed.text}` : `; the effect was not observed (${observed.text})`;
  const why = command.error === null ? "" : `: ${command.error.message}`;
  return `${command.name} ${command.state}${why}${seen}.`;
}
