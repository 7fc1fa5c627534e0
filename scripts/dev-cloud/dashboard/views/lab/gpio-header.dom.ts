import { Fragment, h } from "preact";
import { useRef, useState } from "preact/hooks";
import { HEADER_PINS, type Pin } from "../../model/header-pins.ts";
import type { LabLine } from "../../model/simulated-world.ts";
import type { Announcer } from "../../ui/announce.dom.ts";
import { useFreshId, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import type { Act, LabPartProps } from "./lab-part.dom.ts";

/** The header as on the board. An input is a push button; an output lights up. */
export function GpioHeader({ announcer, world: { lines }, act }: LabPartProps & { readonly announcer: Announcer }): View {
  const [chosen, choose] = useState("GPIO17");
  const board = useRef<HTMLDivElement>(null);
  const press = (line: string): void => {
    if (lines.get(line)?.direction === "input") void act("gpio.press", { line, holdMs: 300 });
    else announcer.say(`${line} is an output: it is driven by the device and cannot be pressed.`);
  };
  const onKey = (event: KeyboardEvent): void => {
    const from = HEADER_PINS.findIndex(({ label }) => document.activeElement instanceof HTMLElement && label === document.activeElement.dataset["line"]);
    const target = from < 0 ? undefined : nextLine(from, event.key);
    if (target === undefined) return;
    event.preventDefault();
    board.current?.querySelector<HTMLElement>(`[data-line="${HEADER_PINS[target]?.label ?? ""}"]`)?.focus();
  };
  return h(
    "section",
    { class: "box header-box", "aria-label": "GPIO header" },
    h("h3", { class: "box-title" }, "GPIO header"),
    h(
      "div",
      { class: "header-columns" },
      h("div", { class: "board", role: "group", "aria-label": "40-pin header; arrow keys move between lines, Enter presses the button on a line", ref: board, onKeyDown: onKey }, HEADER_PINS.map((pin) =>
        pinView(pin, lines.get(pin.label), pin.label === chosen, { onFocus: () => choose(pin.label), onClick: () => press(pin.label) }))),
      h("div", { class: "pin-detail", role: "group", "aria-label": "Chosen line" }, h(LineDetail, { key: chosen, name: chosen, line: lines.get(chosen), act, press })),
    ),
  );
}

function pinView(pin: Pin, line: LabLine | undefined, isChosen: boolean, on: { readonly onFocus: () => void; readonly onClick: () => void }): View {
  const parts = [h("span", { class: "pin-label" }, pin.label), h("span", { class: "pin-hole", "aria-hidden": "true" }, pin.number)];
  const side = pin.number % 2 === 1 ? "pin-left" : "pin-right";
  if (pin.kind !== "line") return h("div", { class: `pin pin-${pin.kind} ${side}`, "aria-hidden": "true" }, parts);
  const label = line === undefined ? `${pin.label}, not known` : `${pin.label}, pin ${pin.number}, ${line.direction} ${line.level === 1 ? "high" : "low"}${line.consumer === undefined ? "" : `, held by ${line.consumer}`}`;
  return h(
    "button",
    {
      class: `pin pin-line ${side}${isChosen ? " is-chosen" : ""}`, type: "button", tabIndex: isChosen ? 0 : -1, "aria-label": label, "data-line": pin.label,
      "data-direction": line?.direction ?? "input", "data-level": String(line?.level ?? 0), "data-held": line?.button === "down" ? "yes" : "no", ...on,
    },
    parts,
  );
}

/** Up and down move along a column, left and right to the nearest line on the other side. */
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

interface DetailProps {
  readonly name: string;
  readonly line: LabLine | undefined;
  readonly act: Act;
  readonly press: (line: string) => void;
}

function LineDetail({ name, line, act, press }: DetailProps): View {
  const external = useFreshId("external");
  if (line === undefined) return h(Fragment, {}, h("h4", {}, name), h("p", { class: "muted" }, "The device has not reported this line."));
  const input = line.direction === "input";
  const options: readonly (readonly [0 | 1 | null, string])[] = [[null, "Open"], [0, "Low"], [1, "High"]];
  return h(
    Fragment,
    {},
    h("h4", {}, name, h("span", { class: line.level === 1 ? "level is-high" : "level" }, line.level === 1 ? "high" : "low")),
    h("dl", { class: "facts" },
      h("dt", {}, "Direction"), h("dd", {}, line.direction),
      h("dt", {}, "Pull"), h("dd", {}, line.pull),
      line.consumer === undefined ? null : h("dt", {}, "Held by"), line.consumer === undefined ? null : h("dd", {}, line.consumer),
      line.wiredTo === null ? null : h("dt", {}, "Wired to"), line.wiredTo === null ? null : h("dd", {}, line.wiredTo),
    ),
    input
      ? h("button", { class: "button button-primary", type: "button", onClick: () => press(name) }, icon("dot"), "Press the button")
      : h("p", { class: "muted small" }, "An output: it lights up when the device drives it high."),
    input
      ? h("fieldset", { class: "field" }, h("legend", { class: "field-label" }, "External switch"),
          h("div", { class: "segmented" }, options.map(([level, label]) =>
            h("label", {}, h("input", { type: "radio", name: external, checked: line.external === level, onChange: () => void act("gpio.external", { line: name, level }) }), h("span", {}, label)))))
      : null,
  );
}
