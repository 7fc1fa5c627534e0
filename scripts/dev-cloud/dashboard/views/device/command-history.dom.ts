import type { CommandView } from "../../model/api-types.ts";
import { h } from "../../ui/dom.dom.ts";
import { commandRow, type CommandRow } from "./command-row.dom.ts";
import { type DeviceContext, pathOf } from "./context.dom.ts";

const PAGE = 20;
/** Rows kept on the page; older ones are loaded again when asked for. */
const ROWS_MAX = 300;

/** Commands of one device, newest first, each updated in place as its stages come in. */
export function commandHistory(context: DeviceContext): HTMLElement {
  const { store, announcer, signal, id } = context;
  const rows = new Map<string, CommandRow>();
  const list = h("ol", { class: "command-rows", "aria-label": "Commands sent, newest first" });
  const empty = h("div", { class: "empty", hidden: true }, "Nothing was sent to this device yet.");
  const more = h("button", { class: "button", type: "button", hidden: true }, "Load older ones");
  let next: number | string | null = null;

  const take = (command: CommandView, isNew: boolean): void => {
    if (command.internal || command.device !== id) return;
    const row = rows.get(command.id);
    if (row !== undefined) {
      row.update(command);
      return;
    }
    const made = commandRow(context, command, isNew);
    rows.set(command.id, made);
    if (isNew) list.prepend(made.root);
    else list.append(made.root);
    while (rows.size > ROWS_MAX) {
      const oldest = [...rows.keys()].find((key) => rows.get(key)?.root === list.lastElementChild);
      if (oldest === undefined) break;
      rows.get(oldest)?.root.remove();
      rows.delete(oldest);
    }
  };
  const load = async (before?: number | string): Promise<void> => {
    const query = before === undefined ? "" : `&before=${encodeURIComponent(before)}`;
    const answer = await store.api.get<{ commands: readonly CommandView[]; next: number | string | null }>(pathOf(context, `/commands?limit=${PAGE}${query}`), signal);
    if (signal.aborted) return;
    if (!answer.ok) {
      announcer.issue("Commands could not be loaded", answer.error);
      return;
    }
    for (const command of answer.value.commands) take(command, false);
    if (before !== undefined || next === null) next = answer.value.next;
    more.hidden = next === null;
    empty.hidden = rows.size > 0;
  };
  more.addEventListener("click", () => {
    if (next !== null) void load(next);
  });
  store.on(signal, (change) => {
    if (change.t === "command" && change.command.device === id) {
      take(change.command, true);
      empty.hidden = rows.size > 0;
    }
    if (change.t === "reload") void load();
  });
  void load();
  return h("div", { class: "stack" }, list, empty, more);
}
