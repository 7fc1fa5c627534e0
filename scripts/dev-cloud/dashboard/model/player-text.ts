import { isJsonObject } from "../../../../platform/runtime/json.ts";
import type { DeviceSummary } from "./api-types.ts";
import { brief, titled } from "./format.ts";

/** What the player does, in one line. The player's words come from the device and are shown as text. */
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
