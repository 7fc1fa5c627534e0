import { expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { HostMessage } from "../../../player-host/contract/link-messages.ts";
import { HostLink } from "./host-link.ts";
import type { PlayerEvent } from "./player-port.ts";

/** A connected host before the agent listens to its events. */
function connectEarly(): { readonly link: HostLink; readonly ends: string[]; readonly say: (message: HostMessage) => void } {
  const time = new VirtualTime();
  const link = new HostLink({ clock: time, timers: time, log: silentLog });
  const ends: string[] = [];
  const listener = link.accept({ send: () => true, end: (why) => void ends.push(why) });
  const say = (message: HostMessage): void => listener.line(JSON.stringify(message));
  say({ t: "host-hello", version: 1, instance: "a", pid: 42, shell: "test 1" });
  return { link, ends, say };
}

const idsOf = (events: readonly PlayerEvent[]): unknown[] => events.map((event) => ("id" in event ? event.id : event.t));

test("records of the page that arrive while the agent starts reach its first listener, once and in order", () => {
  const { link, say } = connectEarly();
  say({ t: "page-event", id: "p-1", name: "door.open" });
  say({ t: "page-event", id: "p-2", name: "door.shut" });
  const got: PlayerEvent[] = [];
  link.onEvent((event) => got.push(event));
  say({ t: "page-event", id: "p-3", name: "door.open" });
  const later: PlayerEvent[] = [];
  link.onEvent((event) => later.push(event));
  expect(idsOf(got)).toEqual(["p-1", "p-2", "p-3"]);
  expect(later).toEqual([]);
});

test.each([
  ["that says goodbye and ends was stopped", ["host-goodbye"], "stopped"],
  ["that ends without a goodbye is lost", [], "lost"],
  ["that says goodbye and comes back before it ends without one is lost", ["host-goodbye", "host-hello"], "lost"],
] as const)("a host %s", (_what, messages, how) => {
  const time = new VirtualTime();
  const link = new HostLink({ clock: time, timers: time, log: silentLog });
  expect(link.status()).toMatchObject({ kind: "absent", how: "yet-to-come" });
  let listener = link.accept({ send: () => true, end: () => undefined });
  const say = (message: HostMessage): void => listener.line(JSON.stringify(message));
  const hello: HostMessage = { t: "host-hello", version: 1, instance: "a", pid: 42, shell: "test 1" };
  say(hello);
  for (const t of messages) {
    if (t === "host-hello") {
      listener.ended("it closed the link");
      listener = link.accept({ send: () => true, end: () => undefined });
    }
    say(t === "host-hello" ? hello : { t });
    expect(link.status().kind).toBe("present");
  }
  listener.ended("it closed the link");
  expect(link.status()).toMatchObject({ kind: "absent", how });
});

test("a host that sends more than the agent keeps while it starts has to connect again", () => {
  const { link, ends, say } = connectEarly();
  for (let n = 0; n <= 1_000; n += 1) say({ t: "page-event", id: `p-${n}`, name: "door.open" });
  expect(ends).toEqual(["too many messages before the agent was ready"]);
  const got: PlayerEvent[] = [];
  link.onEvent((event) => got.push(event));
  expect(got).toEqual([]);
});
