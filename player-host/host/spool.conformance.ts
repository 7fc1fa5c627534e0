import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog, type Log } from "../../platform/ports/log.ts";
import type { Result } from "../../platform/ports/result.ts";
import { PageSpool, type SpooledMessage } from "./page-spool.ts";
import type { SpoolStore } from "./spool-store.ts";

/** A place for one spool, which outlives the stores that are opened on it. */
export interface SpoolUnderTest {
  /** As the next process finds it. */
  open(): SpoolStore;
  /** What is stored, byte by byte. */
  text(): Uint8Array | undefined;
  setText(bytes: Uint8Array | undefined): void;
  mark(): Uint8Array | undefined;
  setMark(bytes: Uint8Array | undefined): void;
  /** Puts something in place of the text, or of the mark, that cannot be read as one. */
  obstruct(what: "text" | "mark"): void;
  /** Something was set aside. */
  hasAside(): boolean;
  /** A process keeps these, is answered, and is killed. */
  killAfter(messages: readonly SpooledMessage[]): Promise<void>;
  /** No more room, and room again. Absent: cannot be had on this machine. */
  readonly disk?: { fill(): void; makeRoom(): void } | undefined;
  dispose(): Promise<void>;
}

const event = (n: number): SpooledMessage => ({ t: "page-event", id: `e${n}`, name: "x", data: { n } });
const play = (n: number): SpooledMessage => ({ t: "page-play", id: `p${n}`, play: { item: "a", n } });
const plays = (count: number): SpooledMessage[] => Array.from({ length: count }, (_none, at) => play(at + 1));
const ids = (spool: PageSpool): string[] => spool.waiting().map(({ id }) => id);

/** What the page spool must do on every implementation of `SpoolStore`. */
export function describeSpool(name: string, make: () => Promise<SpoolUnderTest>): void {
  describe(`the page spool on ${name}`, () => {
    let place: SpoolUnderTest;
    let running: PageSpool[];
    let said: string[];
    const log: Log = { ...silentLog, warn: (_fields, message) => void said.push(message), error: (_fields, message) => void said.push(message) };

    beforeEach(async () => {
      [running, said] = [[], []];
      place = await make();
    });
    afterEach(async () => {
      for (const spool of running) await spool.close();
      await place.dispose();
    });

    const start = async (bytesMax?: number): Promise<{ readonly spool: PageSpool; readonly dropped: number }> => {
      const spool = new PageSpool(place.open(), log, bytesMax);
      running.push(spool);
      return { spool, ...(await spool.open()) };
    };
    /** A spool with these in it, closed again. */
    const left = async (messages: readonly SpooledMessage[]): Promise<void> => {
      const { spool } = await start();
      for (const message of messages) expect(await spool.append(message)).toMatchObject({ ok: true });
      await spool.close();
    };
    const opened = async (): Promise<{ readonly dropped: number; readonly kept: number }> => {
      const { spool, dropped } = await start();
      await spool.close();
      return { dropped, kept: spool.size };
    };

    test("keeps what it took over a restart, in order, and forgets what the agent has", async () => {
      const { spool } = await start();
      const kept = await Promise.all([1, 2, 3, 4].flatMap((n) => [spool.append(event(n)), spool.append(play(n))]));
      expect(kept.every(({ ok }) => ok)).toBe(true);
      spool.remove("e1");
      spool.remove("p1");
      await spool.close();
      const again = (await start()).spool;
      // Without a rewrite the two are still stored: sent again, told apart by id.
      expect(ids(again).slice(-6)).toEqual(["e2", "p2", "e3", "p3", "e4", "p4"]);
      for (const id of ids(again)) again.remove(id);
      await again.close();
      expect([place.text(), place.mark()]).toEqual([undefined, undefined]);
      expect(await opened()).toEqual({ dropped: 0, kept: 0 });
    });

    test("keeps what it answered when its process is killed", async () => {
      await place.killAfter([...plays(6), event(7)]);
      const { spool, dropped } = await start();
      expect([dropped, ids(spool)]).toEqual([0, ["p1", "p2", "p3", "p4", "p5", "p6", "e7"]]);
    });

    test("takes nothing beyond its limit, says so, and has room again once the agent has stored something", async () => {
      const { spool } = await start(600);
      const results = await Promise.all(plays(20).map((message) => spool.append(message)));
      const taken = results.filter(({ ok }) => ok).length;
      expect(taken).toBeGreaterThan(5);
      expect(results.find(({ ok }) => !ok)).toMatchObject({ error: { code: "spool.full" } });
      expect(place.text()?.length).toBeLessThanOrEqual(600);
      for (let n = 1; n <= taken; n += 1) spool.remove(`p${n}`);
      expect((await spool.append(play(99))).ok).toBe(true);
      expect(ids(spool)).toEqual(["p99"]);
    });

    test("what is whole is no loss, however often it is opened and emptied", async () => {
      await left(plays(5));
      expect(await opened()).toEqual({ dropped: 0, kept: 5 });
      expect(await opened()).toEqual({ dropped: 0, kept: 5 });
      const { spool } = await start();
      for (const id of ids(spool)) spool.remove(id);
      await spool.append(play(6));
      await spool.close();
      const again = await start();
      expect([again.dropped, ids(again.spool).at(-1)]).toEqual([0, "p6"]);
    });

    test("a torn end and foreign lines are dropped, counted and told; what is whole is kept", async () => {
      await left(plays(2));
      place.setText(bytes(`${text(place.text())}{"t":"reply"}\n{"t":"page-play","id":"p3","pl`));
      const { spool, dropped } = await start();
      expect([dropped, ids(spool)]).toEqual([2, ["p1", "p2"]]);
      expect(said).toEqual(["lines of the page spool were damaged"]);
      expect(text(place.text()).split("\n")).toHaveLength(3);
    });

    test("cut off at any byte, every message that is gone is counted, once", async () => {
      await left(plays(8));
      const [whole, mark] = [place.text() ?? bytes(""), place.mark()];
      for (let length = 0; length <= whole.length; length += 5) {
        place.setText(whole.slice(0, length));
        place.setMark(mark);
        const { dropped, kept } = await opened();
        expect(dropped + kept, `cut at ${length}`).toBe(8);
        expect(await opened(), `the second start after a cut at ${length}`).toEqual({ dropped: 0, kept });
      }
    });

    test("a bit flipped anywhere costs its line, is counted, and brings no message that was never written", async () => {
      await left(plays(4));
      const [whole, mark] = [place.text() ?? bytes(""), place.mark()];
      const written = new Set(plays(4).map((message) => JSON.stringify(message)));
      for (let bit = 0; bit < whole.length * 8; bit += 3) {
        const flipped = whole.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        place.setText(flipped);
        place.setMark(mark);
        const { spool, dropped } = await start();
        const kept = spool.waiting();
        expect(kept.every((message) => written.has(JSON.stringify(message))), `bit ${bit}`).toBe(true);
        expect(dropped, `bit ${bit}`).toBe(4 - kept.length);
        expect(kept.length, `bit ${bit}`).toBeLessThan(4);
        await spool.close();
      }
    });

    test("lines of before there were checksums are taken", async () => {
      place.setText(bytes(plays(2).map((message) => `${JSON.stringify(message)}\n`).join("")));
      expect(await opened()).toEqual({ dropped: 0, kept: 2 });
      expect(await opened()).toEqual({ dropped: 0, kept: 2 });
    });

    test("gone, or not to be read: all of it is counted and told, and what cannot be read is set aside", async () => {
      await left(plays(3));
      place.setText(undefined);
      expect(await opened()).toEqual({ dropped: 3, kept: 0 });
      expect(place.hasAside()).toBe(false);
      await left(plays(4));
      said = [];
      place.obstruct("text");
      expect(await opened()).toEqual({ dropped: 4, kept: 0 });
      expect(place.hasAside()).toBe(true);
      expect(said).toEqual(["the page spool could not be read; it is set aside", "lines of the page spool were damaged"]);
      await left(plays(1));
      expect(await opened()).toEqual({ dropped: 0, kept: 1 });
    });

    test("a mark that is gone, damaged or not to be read costs nothing but itself", async () => {
      await left(plays(3));
      for (const damaged of [undefined, "", "0000000009 0000000003\n", "nonsense"]) {
        place.setMark(damaged === undefined ? undefined : bytes(damaged));
        expect(await opened(), String(damaged)).toEqual({ dropped: 0, kept: 3 });
      }
      place.obstruct("mark");
      expect(await opened()).toEqual({ dropped: 0, kept: 3 });
      place.setText(undefined);
      expect(await opened()).toEqual({ dropped: 3, kept: 0 });
    });

    test("a full disk refuses what comes, loses nothing that was kept, and takes again once there is room", async (context) => {
      const { disk } = place;
      if (disk === undefined) return context.skip();
      const { spool } = await start();
      expect(await spool.append(play(0))).toMatchObject({ ok: true });
      disk.fill();
      const refused: string[] = [];
      for (let n = 1; refused.length < 3; n += 1) {
        // Under the spool's own limit, and more than a block of any file system.
        const large: SpooledMessage = { t: "page-play", id: `l${n}`, play: { item: "x".repeat(8_000) } };
        const kept: Result<undefined> = await spool.append(large);
        if (!kept.ok) refused.push(kept.error.code);
      }
      expect(refused).toEqual(["spool.failed", "spool.failed", "spool.failed"]);
      const taken = ids(spool);
      await spool.close();
      const again = (await start()).spool;
      expect(ids(again)).toEqual(taken);
      disk.makeRoom();
      expect(await again.append(play(99))).toMatchObject({ ok: true });
      await again.close();
      expect(ids((await start()).spool)).toEqual([...taken, "p99"]);
    });

    test("half a line that a full disk took is removed once there is room, and is no loss", async (context) => {
      const { disk } = place;
      if (disk === undefined) return context.skip();
      const { spool } = await start();
      disk.fill();
      const refused: string[] = [];
      for (let n = 1; refused.length === 0; n += 1) {
        const kept: Result<undefined> = await spool.append({ t: "page-play", id: `l${n}`, play: { item: "x".repeat(8_000) } });
        if (!kept.ok) refused.push(kept.error.code);
      }
      for (const id of ids(spool)) spool.remove(id);
      disk.makeRoom();
      spool.tidy();
      await spool.close();
      expect([place.text(), place.mark()]).toEqual([undefined, undefined]);
      expect(await opened()).toEqual({ dropped: 0, kept: 0 });
    });
  });
}

function text(stored: Uint8Array | undefined): string {
  return new TextDecoder().decode(stored);
}

function bytes(stored: string): Uint8Array {
  return new TextEncoder().encode(stored);
}
