import { brief } from "../../model/format.ts";
import type { LabWorld } from "../../model/simulated-world.ts";
import { freshId, h } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { type DeviceContext, summaryOf } from "../device/context.dom.ts";
import type { Act, LabPart } from "./lab-part.dom.ts";

const MOODS: readonly (readonly [string, string, string])[] = [
  ["normal", "Normal", "It does what it is told."],
  ["deaf", "Deaf", "It hears nothing and answers nothing."],
  ["slow", "Slow", "It answers later than the standard allows."],
  ["lying", "Lying", "It acknowledges everything and does nothing."],
  ["unplugged", "Unplugged", "No signal reaches it."],
];

/** A small TV with the last picture on its glass, as dark or bright as the TV is. */
export function television(context: DeviceContext, act: Act): LabPart {
  const image = h("img", { class: "tv-image", alt: "", hidden: true });
  const says = h("p", { class: "tv-says" });
  const glass = h("div", { class: "tv-glass" }, image, says);
  const lamp = h("span", { class: "tv-lamp" });
  const osd = h("span", { class: "tv-osd" });
  const cable = h("div", { class: "tv-cable" }, icon("cable"), h("span", {}));
  const facts = h("p", { class: "tv-facts" });
  const name = freshId("mood");
  const moods = MOODS.map(([mood, label, help]) => {
    const radio = h("input", { type: "radio", name, value: mood });
    radio.addEventListener("change", () => void act("display.mood", { mood }));
    return { mood, help, radio, element: h("label", { title: help }, radio, h("span", {}, label)) };
  });
  const hint = h("p", { class: "muted small" });
  const power = h("button", { class: "button", type: "button" }, icon("bolt"), h("span", {}, "Remote: power"));
  let isOn = false;
  power.addEventListener("click", () => void act("display.remote", { power: isOn ? "standby" : "on" }));

  const update = (world: LabWorld): void => {
    const { display, mood, connected, dpms } = world;
    const state = brief(display["power"]);
    isOn = state === "on" || state === "turning-on";
    const signal = connected !== false && mood !== "unplugged" && dpms !== "off" && brief(display["input"]).startsWith("hdmi");
    const shot = summaryOf(context)?.screenshot;
    const lit = isOn && signal && shot !== null && shot !== undefined && shot.url.startsWith("/api/v1/uploads/");
    glass.dataset["power"] = state;
    lamp.dataset["power"] = state;
    image.hidden = !lit;
    if (lit && image.getAttribute("src") !== shot.url) image.src = shot.url;
    const brightness = typeof display["brightness"] === "number" ? display["brightness"] : 100;
    image.style.filter = `brightness(${0.25 + (0.75 * brightness) / 100})`;
    image.style.transform = `rotate(${typeof display["orientation"] === "number" ? display["orientation"] : 0}deg)`;
    says.textContent = lit ? "" : glassText(isOn, signal, state, display["input"] === "tuner");
    osd.textContent = isOn ? `${brief(display["input"])}${display["mute"] === true ? " · muted" : ""}` : "";
    cable.dataset["plugged"] = String(connected !== false && mood !== "unplugged");
    cable.querySelector("span")?.replaceChildren(connected !== false && mood !== "unplugged" ? "HDMI plugged in" : "HDMI pulled");
    facts.textContent = `${state} · ${brief(display["input"])} · brightness ${brief(display["brightness"])} % · volume ${brief(display["volume"])} %${display["mute"] === true ? ", muted" : ""} · mood ${mood ?? "unknown"}`;
    power.querySelector("span")?.replaceChildren(isOn ? "Remote: standby" : "Remote: on");
    for (const entry of moods) {
      entry.radio.checked = entry.mood === mood;
      if (entry.mood === mood) hint.textContent = entry.help;
    }
  };
  const root = h(
    "section",
    { class: "box tv-box", "aria-label": "Television" },
    h("h3", { class: "box-title" }, "Television"),
    h("div", { class: "tv", "aria-hidden": "true" }, h("div", { class: "tv-frame" }, glass, h("div", { class: "tv-chin" }, osd, lamp)), h("div", { class: "tv-foot" }), cable),
    facts,
    h("fieldset", { class: "field" }, h("legend", { class: "field-label" }, "Mood"), h("div", { class: "segmented" }, ...moods.map((entry) => entry.element)), hint),
    h("div", { class: "button-row" }, power),
  );
  return { root, update };
}

function glassText(isOn: boolean, signal: boolean, state: string, tuner: boolean): string {
  if (!isOn) return state === "turning-off" ? "…" : "";
  if (tuner) return "TV programme";
  return signal ? "no picture taken yet" : "No signal";
}
