import { HEADER_PINS, type Pin } from "../../model/header-pins.ts";
import type { LabLine } from "../../model/simulated-world.ts";
import { freshId, h, refill, type Child } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import type { DeviceContext } from "../device/context.dom.ts";
import type { Act, LabPart } from "./lab-part.dom.ts";

/** The header as it stands on the board. A line that is an input is a push button; an output lights up. */
export function gpioHeader({ announcer }: DeviceContext, act: Act): LabPart {
  const pins = HEADER_PINS.map((pin) => ({ pin, element: pinElement(pin) }));
  const detail = h("div", { class: "pin-detail", role: "group", "aria-label": "Chosen line" });
  let chosen = "GPIO17";
  let lines: ReadonlyMap<string, LabLine> = new Map();
  let drawn = "";

  const press = async (line: string): Promise<void> => {
    if (lines.get(line)?.direction !== "input") {
      announcer.say(`${line} is an output: it is driven by the device and cannot be pressed.`);
      return;
    }
    await act("gpio.press", { line, holdMs: 300 });
  };
  const showDetail = (): void => {
    const line = lines.get(chosen);
    const key = JSON.stringify([chosen, line]);
    if (key === drawn) return;
    drawn = key;
    refill(detail, ...detailParts(chosen, line, act, press));
  };
  const choose = (line: string): void => {
    chosen = line;
    for (const { pin, element } of pins) {
      if (element instanceof HTMLButtonElement) element.tabIndex = pin.label === chosen ? 0 : -1;
      element.classList.toggle("is-chosen", pin.label === chosen);
    }
    showDetail();
  };
  for (const { pin, element } of pins) {
    if (pin.kind !== "line") continue;
    element.addEventListener("focus", () => choose(pin.label));
    element.addEventListener("click", () => {
      element.focus();
      void press(pin.label);
    });
  }
  const board = h("div", { class: "board", role: "group", "aria-label": "40-pin header; arrow keys move between lines, Enter presses the button on a line" }, ...pins.map(({ element }) => element));
  board.addEventListener("keydown", (event) => {
    const from = pins.findIndex(({ element }) => element === document.activeElement);
    const target = from < 0 ? undefined : nextLine(from, event.key);
    if (target === undefined) return;
    event.preventDefault();
    pins[target]?.element.focus();
  });
  choose(chosen);
  return {
    root: h("section", { class: "box header-box", "aria-label": "GPIO header" }, h("h3", { class: "box-title" }, "GPIO header"), h("div", { class: "header-columns" }, board, detail)),
    update: (world) => {
      lines = world.lines;
      for (const { pin, element } of pins) if (pin.kind === "line") showPin(pin, element, lines.get(pin.label));
      showDetail();
    },
  };
}

function pinElement(pin: Pin): HTMLElement {
  const parts = [h("span", { class: "pin-label" }, pin.label), h("span", { class: "pin-hole", "aria-hidden": "true" }, pin.number)];
  const side = pin.number % 2 === 1 ? "pin-left" : "pin-right";
  if (pin.kind === "line") return h("button", { class: `pin pin-line ${side}`, type: "button", tabindex: "-1", "data-line": pin.label }, ...parts);
  return h("div", { class: `pin pin-${pin.kind} ${side}`, "aria-hidden": "true" }, ...parts);
}

function showPin(pin: Pin, element: HTMLElement, line: LabLine | undefined): void {
  element.dataset["direction"] = line?.direction ?? "input";
  element.dataset["level"] = String(line?.level ?? 0);
  element.dataset["held"] = line?.button === "down" ? "yes" : "no";
  const label = line === undefined ? `${pin.label}, not known` : `${pin.label}, pin ${pin.number}, ${line.direction} ${line.level === 1 ? "high" : "low"}${line.consumer === undefined ? "" : `, held by ${line.consumer}`}`;
  if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
}

/** Along a column, or across to the nearest line on the other side. */
function nextLine(from: number, key: string): number | undefined {
  const isLine = (index: number): boolean => HEADER_PINS[index]?.kind === "line";
  const walk = (step: number): number | undefined => {
    for (let at = from + step; at >= 0 && at < HEADER_PINS.length; at += step) if (isLine(at)) return at;
    return undefined;
  };
  switch (key) {
    case "ArrowDown":
      return walk(2);
    case "ArrowUp":
      return walk(-2);
    case "ArrowRight":
    case "ArrowLeft": {
      const wanted = key === "ArrowRight" ? 1 : 0;
      if (from % 2 === wanted) return undefined;
      const row = Math.floor(from / 2);
      const rows = HEADER_PINS.map((_pin, index) => index).filter((index) => index % 2 === wanted && isLine(index));
      return rows.sort((left, right) => Math.abs(Math.floor(left / 2) - row) - Math.abs(Math.floor(right / 2) - row))[0];
    }
    default:
      return undefined;
  }
}

function detailParts(name: string, line: LabLine | undefined, act: Act, press: (line: string) => Promise<void>): Child[] {
  if (line === undefined) return [h("h4", {}, name), h("p", { class: "muted" }, "The device has said nothing of this line.")];
  const input = line.direction === "input";
  const external = freshId("external");
  const options: readonly (readonly [0 | 1 | null, string])[] = [[null, "Let go"], [0, "Low"], [1, "High"]];
  return [
    h("h4", {}, name, h("span", { class: line.level === 1 ? "level is-high" : "level" }, line.level === 1 ? "high" : "low")),
    h("dl", { class: "facts" },
      h("dt", {}, "Direction"), h("dd", {}, line.direction),
      h("dt", {}, "Pull"), h("dd", {}, line.pull),
      line.consumer === undefined ? null : h("dt", {}, "Held by"), line.consumer === undefined ? null : h("dd", {}, line.consumer),
      line.wiredTo === null ? null : h("dt", {}, "Wired to"), line.wiredTo === null ? null : h("dd", {}, line.wiredTo),
    ),
    input
      ? h("button", { class: "button button-primary", type: "button", "data-key": "press-line", on: { click: () => void press(name) } }, icon("dot"), "Press the button")
      : h("p", { class: "muted small" }, "An output: it lights up when the device drives it high."),
    input
      ? h("fieldset", { class: "field" }, h("legend", { class: "field-label" }, "Switch outside"),
          h("div", { class: "segmented" }, ...options.map(([level, label]) =>
            h("label", {}, h("input", { type: "radio", name: external, checked: line.external === level, "data-key": `external-${label}`, on: { change: () => void act("gpio.external", { line: name, level }) } }), h("span", {}, label)))))
      : null,
  ];
}
