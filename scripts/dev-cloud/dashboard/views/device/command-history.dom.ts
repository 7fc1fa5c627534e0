import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CommandView } from "../../model/api-types.ts";
import { useChanges, useSignal, type View } from "../../ui/hooks.dom.ts";
import { CommandRow, isNewer } from "./command-row.dom.ts";
import { pathOf, type SectionProps } from "./context.dom.ts";

const PAGE = 20;
/** Rows kept on the page. */
const ROWS_MAX = 300;

type Before = number | string;

/** Commands of one device, newest first, updated in place. */
export function CommandHistory({ context }: SectionProps): View {
  const { store, announcer, id } = context;
  const signal = useSignal();
  const [rows, setRows] = useState<readonly CommandView[]>();
  const [next, setNext] = useState<Before | null>(null);
  /** Commands that arrived while this page was open start expanded. */
  const fresh = useRef(new Set<string>()).current;

  const take = (commands: readonly CommandView[], isNew: boolean): void => {
    const mine = commands.filter((command) => !command.internal && command.device === id);
    setRows((before = []) => {
      const known = new Map(before.map((command) => [command.id, command]));
      const added = mine.filter((command) => !known.has(command.id));
      for (const command of mine) {
        const shown = known.get(command.id);
        if (shown !== undefined && isNewer(command, shown)) known.set(command.id, command);
        if (shown === undefined && isNew) fresh.add(command.id);
      }
      return (isNew ? [...added, ...known.values()] : [...known.values(), ...added]).slice(0, ROWS_MAX);
    });
  };
  const load = async (before?: Before): Promise<void> => {
    const query = before === undefined ? "" : `&before=${encodeURIComponent(before)}`;
    const answer = await store.api.get<{ commands: readonly CommandView[]; next: Before | null }>(pathOf(context, `/commands?limit=${PAGE}${query}`), signal);
    if (signal.aborted) return;
    if (!answer.ok) {
      announcer.issue("Commands could not be loaded", answer.error);
      return;
    }
    take(answer.value.commands, false);
    if (before !== undefined || next === null) setNext(answer.value.next);
  };
  useChanges(store, (change) => {
    if (change.t === "command" && change.command.device === id) take([change.command], true);
    if (change.t === "reload") void load();
  });
  useEffect(() => void load(), []);
  return h(
    "div",
    { class: "stack" },
    h("ol", { class: "command-rows", "aria-label": "Commands sent, newest first" }, rows?.map((command) => h(CommandRow, { key: command.id, context, command, open: fresh.has(command.id) }))),
    rows?.length === 0 ? h("div", { class: "empty" }, "Nothing has been sent to this device yet.") : null,
    next === null ? null : h("button", { class: "button", type: "button", onClick: () => void load(next) }, "Load older"),
  );
}
