import { h } from "preact";
import { brief } from "../../model/format.ts";
import { useFreshId, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type SectionProps, summaryOf } from "../device/context.dom.ts";
import type { LabPartProps } from "./lab-part.dom.ts";

const MOODS: readonly (readonly [string, string, string])[] = [
  ["normal", "Normal", "It does what it is told."],
  ["deaf", "Deaf", "It neither reacts nor answers."],
  ["slow", "Slow", "It answers later than the standard allows."],
  ["lying", "Lying", "It acknowledges everything and does nothing."],
  ["refusing", "Refusing", "It answers that it will not do what it is told."],
  ["unplugged", "Unplugged", "No signal reaches it."],
];

/** A small TV that shows the last screenshot with the TV's power, brightness and orientation. */
export function Television({ context, world, act }: LabPartProps & SectionProps): View {
  const name = useFreshId("mood");
  const { display, mood, connected, dpms } = world;
  const state = brief(display["power"]);
  const isOn = state === "on" || state === "turning-on";
  const plugged = connected !== false && mood !== "unplugged";
  const signal = plugged && dpms !== "off" && brief(display["input"]).startsWith("hdmi");
  const shot = summaryOf(context)?.screenshot?.url;
  const picture = isOn && signal && shot?.startsWith("/api/v1/uploads/") === true ? shot : undefined;
  const brightness = typeof display["brightness"] === "number" ? display["brightness"] : 100;
  const turn = typeof display["orientation"] === "number" ? display["orientation"] : 0;
  const style = { filter: `brightness(${0.25 + (0.75 * brightness) / 100})`, transform: `rotate(${turn}deg)` };
  const muted = display["mute"] === true;
  return h(
    "section",
    { class: "box tv-box", "aria-label": "Television" },
    h("h3", { class: "box-title" }, "Television"),
    h(
      "div",
      { class: "tv", "aria-hidden": "true" },
      h(
        "div",
        { class: "tv-frame" },
        h("div", { class: "tv-glass", "data-power": state },
          picture === undefined ? null : h("img", { class: "tv-image", alt: "", src: picture, style }),
          h("p", { class: "tv-says" }, picture === undefined ? glassText(isOn, signal, state, display["input"] === "tuner") : "")),
        h("div", { class: "tv-chin" }, h("span", { class: "tv-osd" }, isOn ? `${brief(display["input"])}${muted ? " · muted" : ""}` : ""), h("span", { class: "tv-lamp", "data-power": state })),
      ),
      h("div", { class: "tv-foot" }),
      h("div", { class: "tv-cable", "data-plugged": String(plugged) }, icon("cable"), h("span", {}, plugged ? "HDMI plugged in" : "HDMI pulled")),
    ),
    h("p", { class: "tv-facts" }, `${state} · ${brief(display["input"])} · brightness ${brief(display["brightness"])} % · volume ${brief(display["volume"])} %${muted ? ", muted" : ""} · mood ${mood ?? "unknown"}`),
    h(
      "fieldset",
      { class: "field" },
      h("legend", { class: "field-label" }, "Mood"),
      h("div", { class: "segmented" }, MOODS.map(([known, label, help]) => h("label", { title: help }, h("input", { type: "radio", name, value: known, checked: known === mood, onChange: () => void act("display.mood", { mood: known }) }), h("span", {}, label)))),
      h("p", { class: "muted small" }, MOODS.find(([known]) => known === mood)?.[2] ?? ""),
    ),
    h("div", { class: "button-row" }, h("button", { class: "button", type: "button", onClick: () => void act("display.remote", { power: isOn ? "standby" : "on" }) }, icon("bolt"), h("span", {}, isOn ? "Remote: standby" : "Remote: on"))),
  );
}

function glassText(isOn: boolean, signal: boolean, state: string, tuner: boolean): string {
  if (!isOn) return state === "turning-off" ? "…" : "";
  if (tuner) return "TV programme";
  return signal ? "no picture taken yet" : "No signal";
}
