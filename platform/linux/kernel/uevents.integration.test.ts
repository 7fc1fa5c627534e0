import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { reportLeftOut } from "../../../scripts/check/left-out.ts";
import { openNative } from "./native.ts";
import { parseUevent, UeventChanges } from "./uevents.ts";

/** The loopback device announces a change when root writes here; nothing else happens to it. */
const LOOPBACK = "/sys/class/net/lo/uevent";
const announce = (): void => writeFileSync(LOOPBACK, "change");

function whyNotReal(): string | undefined {
  if (process.platform !== "linux") return `they need Linux, and this machine runs ${process.platform}`;
  if (process.getuid?.() !== 0) return "only root can make the kernel announce a change";
  try {
    announce();
    return undefined;
  } catch (thrown) {
    return `the kernel lets nobody announce a change here (${String((thrown as NodeJS.ErrnoException).code)})`;
  }
}
const why = whyNotReal();
if (why !== undefined) reportLeftOut("kernel uevents", why);

test("an event is read as its pairs, and bytes of any kind are no error", () => {
  const event = parseUevent(Buffer.from("change@/devices/pci/drm/card1\0ACTION=change\0SUBSYSTEM=drm\0HOTPLUG=1\0X=a=b\0"));
  expect([...event]).toEqual([["ACTION", "change"], ["SUBSYSTEM", "drm"], ["HOTPLUG", "1"], ["X", "a=b"]]);
  expect([...parseUevent(new Uint8Array())]).toEqual([]);
  expect([...parseUevent(Uint8Array.from([0xff, 0, 0xc3, 0x3d, 0]))]).toHaveLength(1);
});

describe.skipIf(why !== undefined)("changes that the kernel announces", () => {
  let changes: UeventChanges | undefined;
  afterEach(() => changes?.close());

  const open = (subsystem: string): { readonly calls: () => number; readonly undo: () => void } => {
    const native = openNative();
    if (!native.ok) throw new Error(native.error.message);
    const opened = UeventChanges.open(native.value, subsystem);
    if (!opened.ok) throw new Error(opened.error.name);
    changes = opened.value;
    let calls = 0;
    const undo = opened.value.onChange(() => (calls += 1));
    return { calls: () => calls, undo };
  };

  test("a change of the subsystem is heard, after unsubscribing no more", async () => {
    const { calls, undo } = open("net");
    announce();
    await vi.waitUntil(() => calls() > 0);
    undo();
    const before = calls();
    let later = 0;
    changes?.onChange(() => (later += 1));
    announce();
    await vi.waitUntil(() => later > 0);
    expect(calls()).toBe(before);
  });

  test("changes of other subsystems are not heard", async () => {
    const { calls } = open("drm");
    announce();
    // A second socket tells when the event has been delivered to all.
    const native = openNative();
    const witness = native.ok ? UeventChanges.open(native.value, "net") : native;
    if (!witness.ok) throw new Error("no second socket");
    let delivered = 0;
    witness.value.onChange(() => (delivered += 1));
    announce();
    await vi.waitUntil(() => delivered > 0);
    witness.value.close();
    expect(calls()).toBe(0);
  });

  test("events that the kernel had to drop count as a change", async () => {
    const { calls } = open("drm");
    // More than the socket's buffer holds, while the event loop reads nothing.
    for (let written = 0; written < 3_000; written += 1) announce();
    await vi.waitUntil(() => calls() > 0, { timeout: 10_000 });
    expect(calls()).toBeGreaterThan(0);
  });

  test("closing twice is harmless, and nothing is heard afterwards", async () => {
    const { calls } = open("net");
    changes?.close();
    changes?.close();
    announce();
    const { calls: again } = open("net");
    announce();
    await vi.waitUntil(() => again() > 0);
    expect(calls()).toBe(0);
  });

  test("a user without any rights hears them too", async () => {
    const program = `
      const { openNative } = await import(${JSON.stringify(join(import.meta.dirname, "native.ts"))});
      const { UeventChanges } = await import(${JSON.stringify(join(import.meta.dirname, "uevents.ts"))});
      const opened = UeventChanges.open(openNative().value, "net");
      opened.value.onChange(() => { console.log("heard as", process.getuid()); process.exit(0); });
      console.log("listening");
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { uid: 61_234, gid: 61_234, stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line === "listening") announce();
    }
    expect(lines).toEqual(["listening", "heard as 61234"]);
  });
});
