import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog, type Log } from "../../platform/ports/log.ts";
import type { Result } from "../../platform/ports/result.ts";
import { NOTE_EVERY, PageSpool } from "./page-spool.ts";
import type { SpooledMessage } from "./spool-lines.ts";
import type { SpoolStore } from "./spool-store.ts";

/** A place for one spool that outlives the stores opened on it. */
export interface SpoolUnderTest {
  /** Opens it as the next process would. */
  open(): SpoolStore;
  /** The stored bytes. */
  text(): Uint8Array | undefined;
  setText(bytes: Uint8Array | undefined): void;
  mark(): Uint8Array | undefined;
  setMark(bytes: Uint8Array | undefined): void;
  /** Replaces the text or the mark with something that cannot be read as such. */
  obstruct(what: "text" | "mark"): void;
  /** Whether something was quarantined. */
  hasAside(): boolean;
  /** A process keeps these messages, is answered, and is killed. */
  killAfter(messages: readonly SpooledMessage[]): Promise<void>;
  /** Takes away all room, and gives it back. Absent when this machine cannot. */
  readonly disk?: { fill(): void; makeRoom(): void } | undefined;
  dispose(): Promise<void>;
}

const event = (n: number): SpooledMessage => ({ t: "page-event", id: `e${n}`, name: "x", data: { n } });
const play = (n: number): SpooledMessage => ({ t: "page-play", id: `p${n}`, play: { item: "a", n } });
const plays = (count: number): SpooledMessage[] => Array.from({ length: count }, (_none, at) => play(at + 1));
const ids = (spool: PageSpool): string[] => spool.waiting().map(({ id }) => id);

/** The suite for the page spool on every implementation of `SpoolStore`. */
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
    /** A closed spool with these messages. */
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

    test("keeps messages across a restart, in order, and forgets those the agent has", async () => {
      const { spool } = await start();
      const kept = await Promise.all([1, 2, 3, 4].flatMap((n) => [spool.append(event(n)), spool.append(play(n))]));
      expect(kept.every(({ ok }) => ok)).toBe(true);
      spool.remove("e1");
      spool.remove("p1");
      await spool.close();
      const again = (await start()).spool;
      expect(ids(again)).toEqual(["e2", "p2", "e3", "p3", "e4", "p4"]);
      for (const id of ids(again)) again.remove(id);
      await again.close();
      expect([place.text(), place.mark()]).toEqual([undefined, undefined]);
      expect(await opened()).toEqual({ dropped: 0, kept: 0 });
    });

    test("keeps what it confirmed when its process is killed", async () => {
      await place.killAfter([...plays(6), event(7)]);
      const { spool, dropped } = await start();
      expect([dropped, ids(spool)]).toEqual([0, ["p1", "p2", "p3", "p4", "p5", "p6", "e7"]]);
    });

    test("refuses and reports messages beyond its limit, and has room again once the agent has stored some", async () => {
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

    test("a killed process leaves a bounded number of removed messages, in whatever order they were removed, and counts no loss", async () => {
      const { spool } = await start();
      await Promise.all(plays(1_000).map((message) => spool.append(message)));
      for (let n = 999; n >= 2; n -= 1) {
        spool.remove(`p${n}`);
        if (spool.unnoted >= NOTE_EVERY) await new Promise<void>((resolve) => spool.onNoted(resolve));
      }
      expect(spool.unnoted).toBeLessThan(NOTE_EVERY);
      const unnoted = spool.unnoted;
      const [left, mark] = [place.text(), place.mark()];
      await spool.close();
      place.setText(left);
      place.setMark(mark);
      const again = await start();
      expect([again.dropped, ids(again.spool)]).toEqual([0, ["p1", ...plays(unnoted + 1).slice(1).map(({ id }) => id), "p1000"]]);
    });

    test("notes what was removed when it is tidied or closed, and takes no more room than its limit for it", async () => {
      const { spool } = await start(600);
      const taken = (await Promise.all(plays(20).map((message) => spool.append(message)))).filter(({ ok }) => ok).length;
      for (let n = 1; n <= 3; n += 1) {
        const noted = new Promise<void>((resolve) => spool.onNoted(resolve));
        spool.remove(`p${n}`);
        spool.tidy();
        await noted;
        expect(spool.unnoted).toBe(0);
        expect(place.text()?.length).toBeLessThanOrEqual(600);
      }
      spool.remove("p4");
      await spool.close();
      expect(ids((await start()).spool)).toEqual(plays(taken).slice(4).map(({ id }) => id));
    });

    test("a damaged line about removed messages is no loss: they are sent again", async () => {
      const { spool } = await start();
      for (const message of plays(4)) await spool.append(message);
      const [before, mark] = [place.text() ?? bytes(""), place.mark()];
      spool.remove("p1");
      await spool.close();
      const whole = place.text() ?? bytes("");
      expect(whole.length).toBeGreaterThan(before.length);
      for (let length = before.length; length < whole.length; length += 1) {
        place.setText(whole.slice(0, length));
        place.setMark(mark);
        expect(await opened(), `cut at ${length}`).toEqual({ dropped: 0, kept: length === whole.length - 1 ? 3 : 4 });
      }
    });

    test("a damaged line of a message that is gone is no loss", async () => {
      const { spool } = await start();
      for (const message of plays(3)) await spool.append(message);
      spool.remove("p2");
      await spool.close();
      const stored = text(place.text());
      place.setText(bytes(stored.replace('"id":"p2"', '"id":"p7"')));
      expect(await opened()).toEqual({ dropped: 0, kept: 2 });
    });

    test("reports no loss for a whole spool, however often it is opened and emptied", async () => {
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

    test("drops, counts and reports a torn end and foreign lines, and keeps whole ones", async () => {
      await left(plays(2));
      place.setText(bytes(`${text(place.text())}{"t":"reply"}\n{"t":"page-play","id":"p3","pl`));
      const { spool, dropped } = await start();
      expect([dropped, ids(spool)]).toEqual([2, ["p1", "p2"]]);
      expect(said).toEqual(["lines of the page spool were damaged"]);
      expect(text(place.text()).split("\n")).toHaveLength(3);
    });

    test("counts every lost message once, wherever the file is cut off", async () => {
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

    test("loses and counts only the line in which a bit flipped, and never returns a message that was not written", async () => {
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

    test("accepts lines from before there were checksums", async () => {
      place.setText(bytes(plays(2).map((message) => `${JSON.stringify(message)}\n`).join("")));
      expect(await opened()).toEqual({ dropped: 0, kept: 2 });
      expect(await opened()).toEqual({ dropped: 0, kept: 2 });
    });

    test("counts and reports everything if it is missing or unreadable, and quarantines an unreadable one", async () => {
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

    test("loses nothing but the mark if the mark is missing, damaged or unreadable", async () => {
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

    test("refuses messages on a full disk, keeps older ones, and accepts again once there is room", async (context) => {
      const { disk } = place;
      if (disk === undefined) return context.skip();
      const { spool } = await start();
      expect(await spool.append(play(0))).toMatchObject({ ok: true });
      disk.fill();
      const refused: string[] = [];
      for (let n = 1; refused.length < 3; n += 1) {
        // Below the spool's own limit, but larger than a block of any file system.
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

    test("removes half a line that a full disk accepted once there is room, and counts no loss", async (context) => {
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
