import { isJsonObject, type Json, type JsonObject } from "../../../../platform/runtime/json.ts";
import type { RecordView } from "./api-types.ts";
import { brief, duration } from "./format.ts";
import type { Tone } from "./verdict.ts";

export interface RecordLine {
  readonly tone: Tone;
  readonly title: string;
  readonly detail: string;
}

/** A record in one line. Its texts come from the device and its page and must not be used as HTML. */
export function lineOf({ stream, kind, body }: RecordView): RecordLine {
  if (kind === "gap") return { tone: "warn", title: `${brief(body["count"])} ${brief(body["stream"])} records lost`, detail: `reason: ${brief(body["reason"])}` };
  switch (stream) {
    case "play":
      return playLine(body);
    case "alarm":
      return {
        tone: body["state"] === "cleared" ? "good" : body["severity"] === "info" ? "calm" : body["severity"] === "warning" ? "warn" : "bad",
        title: `${brief(body["code"])} ${brief(body["state"])}`,
        detail: brief(body["message"], 400),
      };
    case "outcome":
      return { tone: body["state"] === "succeeded" ? "good" : "bad", title: `${brief(body["name"])} ${brief(body["state"])}`, detail: isJsonObject(body["error"]) ? brief(body["error"]["message"], 400) : "" };
    case "event":
      if (kind === "rule" && isJsonObject(body["data"])) return ruleLine(body["name"], body["data"]);
      return { tone: "unknown", title: brief(body["name"]), detail: body["data"] === undefined ? "" : brief(body["data"], 400) };
    default:
      return { tone: "unknown", title: kind, detail: brief(body, 400) };
  }
}

/** A firing of a local rule, one that was suppressed, or lines that could not be driven at the start. */
function ruleLine(name: Json | undefined, { rule, side, input, effects, reason, by, why }: JsonObject): RecordLine {
  const title = `rule ${brief(rule)}: ${brief(side)}`;
  if (name === "rule.not-restored") return { tone: "warn", title: `${title} not restored`, detail: brief(effects, 400) };
  if (name !== "rule.fired") return { tone: "warn", title: `${title} suppressed`, detail: reason === "overridden" ? `${brief(by)} decides: ${brief(why, 300)}` : brief(reason) };
  const isWrong = Array.isArray(effects) && effects.some((effect) => isJsonObject(effect) && effect["error"] !== undefined);
  return { tone: isWrong ? "warn" : "good", title, detail: `${brief(input)} → ${brief(effects, 400)}` };
}

function playLine(body: RecordView["body"]): RecordLine {
  const length = typeof body["durationMs"] === "number" ? duration(body["durationMs"]) : "";
  const verdict = body["verdict"] === undefined ? "" : `, screen ${brief(body["verdict"])}`;
  const error = body["error"] === undefined ? "" : `: ${brief(body["error"], 300)}`;
  return { tone: body["result"] === "completed" ? "good" : body["result"] === "skipped" ? "calm" : "bad", title: brief(body["item"]), detail: `${brief(body["result"])} after ${length}${verdict}${error}` };
}
