import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Json } from "../../../../../platform/runtime/json.ts";
import { readActions, readWorld, type LabAction, type LabWorld } from "../../model/simulated-world.ts";
import { useChanges, useSignal, type View } from "../../ui/hooks.dom.ts";
import { icon } from "../../ui/icon.dom.ts";
import { Developer } from "../lab/developer.dom.ts";
import { GpioHeader } from "../lab/gpio-header.dom.ts";
import type { Act } from "../lab/lab-part.dom.ts";
import { MoreActions } from "../lab/more-actions.dom.ts";
import { Switches } from "../lab/switches.dom.ts";
import { Television } from "../lab/television.dom.ts";
import { pathOf, type SectionProps } from "./context.dom.ts";

/** Polling interval while the panel is open: simulated hardware sends no events. */
const LOOK_EVERY_MS = 1_000;
const LOOK_AGAIN_MS = 3_000;

interface SimulatedAnswer {
  readonly actions: Json;
  readonly state: Json;
}

/** Controls for the hardware of a simulated device and for misbehaviour of the cloud. */
export function Lab({ context }: SectionProps): View {
  const { store, announcer, id } = context;
  const signal = useSignal();
  const [actions, setActions] = useState<readonly LabAction[]>();
  /** Last known state; stays on the page, greyed out, while the device does not answer. */
  const [world, setWorld] = useState<LabWorld>();
  const [gone, setGone] = useState<string>();
  const [turn, setTurn] = useState(0);

  const show = (state: Json): void => {
    const now = readWorld(state);
    if (now !== undefined) setWorld(now);
    setGone(now === undefined ? "The simulated device does not answer: its power was pulled, or it is starting." : undefined);
  };
  const act: Act = async (action, params = {}) => {
    const answer = await store.api.post<{ result: Json; state: Json }>(pathOf(context, "/simulated"), { action, params });
    if (signal.aborted) return;
    if (answer.ok) show(answer.value.state);
    else announcer.issue(`${action} failed`, answer.error);
  };
  const look = async (ended: AbortSignal): Promise<void> => {
    if (document.hidden) return;
    const answer = await store.api.get<SimulatedAnswer>(pathOf(context, "/simulated"), ended);
    if (ended.aborted) return;
    if (answer.ok) {
      setActions(readActions(answer.value.actions));
      show(answer.value.state);
    } else if (actions === undefined && answer.error.code === "simulated.unavailable") setGone("This device is not simulated, or it does not run on this machine: its hardware cannot be controlled here.");
    else setGone(`The simulated hardware does not answer: ${answer.error.message}.`);
  };
  useEffect(() => {
    const ends = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    void look(ends.signal).then(() => {
      if (!ends.signal.aborted) timer = setTimeout(() => setTurn(turn + 1), actions === undefined ? LOOK_AGAIN_MS : LOOK_EVERY_MS);
    });
    return () => {
      clearTimeout(timer);
      ends.abort();
    };
  }, [turn]);
  useChanges(store, (change) => {
    // Show the effect of a finished command at once instead of at the next poll.
    if (actions !== undefined && change.t === "command" && change.command.device === id && change.command.final && !change.command.internal) setTurn(turn + 1);
  });
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "section-head" }, h("h2", {}, "Hardware lab"), h("p", { class: "muted" }, "Simulated hardware: do what a hand, a remote control or a broken part would do.")),
    gone === undefined ? null : h("div", { class: "form-note", role: "status" }, icon("plug"), h("span", {}, gone)),
    h("div", { class: gone === undefined ? "lab" : "lab is-gone" }, world === undefined || actions === undefined
      ? null
      : [
          h("div", { class: "lab-columns" }, h("div", { class: "stack" }, h(Television, { context, world, act }), h(Switches, { world, act })), h(GpioHeader, { announcer, world, act })),
          h(MoreActions, { actions, act }),
        ]),
    h(Developer, { context }),
  );
}
