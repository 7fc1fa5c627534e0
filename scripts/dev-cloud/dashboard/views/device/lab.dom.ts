import type { Json } from "../../../../../platform/runtime/json.ts";
import { readActions, readWorld, type LabAction } from "../../model/simulated-world.ts";
import { h } from "../../ui/dom.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { developerSection } from "../lab/developer.dom.ts";
import { gpioHeader } from "../lab/gpio-header.dom.ts";
import type { Act, LabPart } from "../lab/lab-part.dom.ts";
import { moreActions } from "../lab/more-actions.dom.ts";
import { switches } from "../lab/switches.dom.ts";
import { television } from "../lab/television.dom.ts";
import { type DeviceContext, pathOf } from "./context.dom.ts";

/** Nothing announces a change of simulated hardware: while the panel is open it is asked this often. */
const LOOK_EVERY_MS = 1_000;
const LOOK_AGAIN_MS = 3_000;

interface SimulatedAnswer {
  readonly actions: Json;
  readonly state: Json;
}

/** The hardware of a simulated device to play with, and what the cloud can do wrong. */
export function labSection(context: DeviceContext): HTMLElement {
  const { store, announcer, signal } = context;
  const note = h("div", { class: "form-note", role: "status", hidden: true });
  const place = h("div", { class: "lab" });
  let parts: readonly LabPart[] = [];
  let listed = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  const act: Act = async (action, params = {}) => {
    const answer = await store.api.post<{ result: Json; state: Json }>(pathOf(context, "/simulated"), { action, params });
    if (signal.aborted) return;
    if (!answer.ok) {
      announcer.issue(`${action} was not done`, answer.error);
      return;
    }
    show(answer.value.state);
  };
  const show = (state: Json): void => {
    const world = readWorld(state);
    place.classList.toggle("is-gone", world === undefined);
    note.hidden = world !== undefined;
    if (world === undefined) note.replaceChildren(icon("plug"), h("span", {}, "The simulated device does not answer: its power was pulled, or it is starting."));
    else for (const part of parts) part.update(world);
  };
  const build = (actions: readonly LabAction[]): void => {
    const names = JSON.stringify(actions);
    if (names === listed) return;
    listed = names;
    const [tv, header, faults] = [television(context, act), gpioHeader(context, act), switches(act)];
    parts = [tv, header, faults];
    place.replaceChildren(h("div", { class: "lab-columns" }, h("div", { class: "stack" }, tv.root, faults.root), header.root), moreActions(actions, act));
  };
  const look = async (): Promise<void> => {
    clearTimeout(timer);
    if (!document.hidden) {
      const answer = await store.api.get<SimulatedAnswer>(pathOf(context, "/simulated"), signal);
      if (signal.aborted) return;
      if (answer.ok) {
        build(readActions(answer.value.actions));
        show(answer.value.state);
      } else explain(answer.error.code, answer.error.message);
    }
    timer = setTimeout(() => void look(), parts.length > 0 ? LOOK_EVERY_MS : LOOK_AGAIN_MS);
  };
  const explain = (code: string, message: string): void => {
    place.classList.add("is-gone");
    note.hidden = false;
    const text = parts.length === 0 && code === "simulated.unavailable" ? "This device is not one of our simulated ones, or it is not running on this machine: its hardware cannot be played with." : `The simulated hardware does not answer: ${message}.`;
    if (note.textContent !== text) note.replaceChildren(icon("plug"), h("span", {}, text));
  };
  store.on(signal, (change) => {
    // A command or a page that moved the hardware is seen at once rather than at the next look.
    if (parts.length > 0 && change.t === "command" && change.command.device === context.id && change.command.final && !change.command.internal) void look();
  });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  void look();
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Hardware lab"), h("p", { class: "muted" }, "Simulated hardware: what a hand, a remote or a broken part would do.")),
    note,
    place,
    developerSection(context),
  );
}
