import { expect, test } from "vitest";
import { GatedTransport, type NetworkGate } from "./gated-transport.ts";
import { LinkBench } from "./testing/link-bench.ts";
import { ScriptedTransport } from "./testing/scripted-transport.ts";

class Gate implements NetworkGate {
  #open = true;
  readonly #listeners = new Set<() => void>();

  get watchers(): number {
    return this.#listeners.size;
  }

  set(open: boolean): void {
    this.#open = open;
    for (const listener of [...this.#listeners]) listener();
  }

  allowed(): boolean {
    return this.#open;
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }
}

test("a cut ends the connection once and blocks all frames; when it is over the link reconnects", async () => {
  const gate = new Gate();
  const inner = new ScriptedTransport(() => 0);
  const bench = await LinkBench.make({ transport: new GatedTransport(inner, gate) });
  await bench.start();
  expect(bench.link.status().kind).toBe("online");
  gate.set(true);
  expect(bench.link.status().kind).toBe("online");
  gate.set(false);
  expect(bench.link.status()).toMatchObject({ kind: "offline", lastError: { code: "link.network" } });
  expect(inner.peer.open).toBe(false);
  await bench.time.advance(600_000);
  expect(inner.attempts).toHaveLength(1);
  expect(bench.link.counts().attempts).toBeGreaterThan(3);
  gate.set(true);
  bench.link.nudge();
  await bench.time.advance(10_000);
  expect(bench.link.status().kind).toBe("online");
  expect(gate.watchers).toBe(1);
  await bench.end();
  expect(gate.watchers).toBe(0);
});

test("a cut during opening closes the connection once it opens, and lost frames stay lost", async () => {
  const gate = new Gate();
  const inner = new ScriptedTransport(() => 0);
  const frames: string[] = [];
  const ends: string[] = [];
  const attempt = new GatedTransport(inner, gate).connect("ws://x/", { frame: (text) => frames.push(text), closed: (why) => ends.push(why.code) }, new AbortController().signal);
  gate.set(false);
  expect(await attempt).toMatchObject({ ok: false, error: { code: "link.network" } });
  inner.peer.raw("late");
  expect([frames, ends, gate.watchers]).toEqual([[], [], 0]);
});
