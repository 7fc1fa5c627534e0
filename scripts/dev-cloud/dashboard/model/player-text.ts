import { isJsonObject } from "../../../../platform/runtime/json.ts";
import type { DeviceSummary } from "./api-types.ts";
import { brief, titled } from "./format.ts";

/** What the player is doing, in one line. */
export function playerText(device: DeviceSummary): string {
  const { player } = device;
  if (!isJsonObject(player)) return "no player reported";
  const content = brief(player["content"] ?? "nothing");
  switch (player["kind"]) {
    case "absent":
      return `no player: ${brief(player["why"])}`;
    case "idle":
      return `idle, ${titled(brief(player["screen"])).toLowerCase()} screen`;
    case "loading":
      return `loading ${content}`;
    case "playing":
      return `playing ${content}`;
    case "failed":
      return `failed on ${content}: ${brief(player["error"])}`;
    default:
      return brief(player);
  }
}
