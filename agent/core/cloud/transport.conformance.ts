import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Connection, Refused, Transport, TransportIssue } from "./cloud-port.ts";

/** The server's end of one connection, driven by the suite. */
export interface ServedConnection {
  send(frame: string): void;
  /** Text of the received frames. */
  readonly received: readonly string[];
  close(): void;
  /** Breaks the connection without a close. */
  destroy(): void;
  /** Stops reading. */
  pause(): void;
}

/** The server that the suite runs a transport against: a real one on loopback, or a test double. */
export interface TransportWorld {
  readonly url: string;
  /** An address where nothing listens. */
  readonly deadUrl: string;
  /** Addresses whose server refuses, each with the expected refusal. */
  readonly refusing: ReadonlyMap<string, Omit<Refused, "message">>;
  /** Addresses whose server neither accepts nor refuses the device, each with the expected code. */
  readonly failing: ReadonlyMap<string, string>;
  /** Texts that are not addresses, and addresses of other transports. */
  readonly badUrls: readonly string[];
  /** An address that accepts the connection and never answers. */
  readonly muteUrl: string;
  /** The next connection that the server accepts. */
  accepted(): Promise<ServedConnection>;
  stop(): Promise<void>;
}

/** The events of one connection. */
class Ear {
  readonly frames: string[] = [];
  readonly ends: TransportIssue[] = [];
  readonly #waiting: { readonly met: () => boolean; readonly resolve: () => void }[] = [];

  readonly events = {
    frame: (text: string): void => {
      this.frames.push(text);
      this.#look();
    },
    closed: (why: TransportIssue): void => {
      this.ends.push(why);
      this.#look();
    },
  };

  async until(met: () => boolean): Promise<void> {
    if (met()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ met, resolve }));
  }

  #look(): void {
    for (const { met, resolve } of [...this.#waiting]) if (met()) resolve();
  }
}

/** Behaviour required of every implementation of `Transport`. */
export function transportConformance(name: string, transport: () => Transport, makeWorld: () => Promise<TransportWorld>): void {
  describe(`${name} conforms to the Transport port`, () => {
    let world: TransportWorld;
    const open: Connection[] = [];

    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(async () => {
      for (const connection of open.splice(0)) connection.close("test over");
      await world.stop();
    });

    async function connected(): Promise<{ ear: Ear; connection: Connection; served: ServedConnection }> {
      const ear = new Ear();
      const served = world.accepted();
      const result = await transport().connect(world.url, ear.events, new AbortController().signal);
      if (!result.ok) throw new Error(result.error.message);
      open.push(result.value);
      return { ear, connection: result.value, served: await served };
    }

    test("carries text both ways, complete and in order", async () => {
      const { ear, connection, served } = await connected();
      const frames = ["one", "zwei — drei", "x".repeat(200_000)];
      for (const frame of frames) served.send(frame);
      await ear.until(() => ear.frames.length === 3);
      expect(ear.frames).toEqual(frames);
      expect(connection.send("back")).toBe(true);
      served.send("ping");
      await ear.until(() => ear.frames.length === 4);
      await expect.poll(() => served.received).toEqual(["back"]);
    });

    test("loses no frame that arrives together with the opening", async () => {
      const ear = new Ear();
      const accepted = world.accepted().then((served) => {
        served.send("first");
        served.send("second");
      });
      const result = await transport().connect(world.url, ear.events, new AbortController().signal);
      if (result.ok) open.push(result.value);
      await accepted;
      await ear.until(() => ear.frames.length === 2);
      expect(ear.frames).toEqual(["first", "second"]);
    });

    test("calls closed exactly once, and nothing after it, when the server closes, the connection breaks, or we close", async () => {
      for (const how of ["close", "destroy", "own"] as const) {
        const { ear, connection, served } = await connected();
        if (how === "own") connection.close("終".repeat(200));
        else served[how]();
        await ear.until(() => ear.ends.length > 0);
        connection.close("again");
        expect(connection.send("too late")).toBe(false);
        expect(connection.bufferedBytes()).toBe(0);
        if (how === "own") served.send("after the end");
        // After a turn of the event loop, anything under way has arrived.
        const other = await connected();
        other.served.send("meanwhile");
        await other.ear.until(() => other.ear.frames.length === 1);
        expect(ear.ends).toHaveLength(1);
        expect(ear.frames).toEqual([]);
        expect(ear.ends[0]).toMatchObject({ kind: "failed", code: expect.stringMatching(/^link\./) as string });
      }
    });

    async function errorAt(url: string): Promise<TransportIssue | "opened"> {
      const ear = new Ear();
      const result = await transport().connect(url, ear.events, new AbortController().signal);
      expect(ear.ends).toEqual([]);
      return result.ok ? "opened" : result.error;
    }

    test("an address where nothing listens fails with link.refused", async () => {
      expect(await errorAt(world.deadUrl)).toMatchObject({ kind: "failed", code: "link.refused" });
    });

    test("a refusal carries its reason and, if given, when to retry or the new address", async () => {
      expect(world.refusing.size).toBeGreaterThan(0);
      for (const [url, refused] of world.refusing) expect(await errorAt(url)).toEqual({ ...refused, message: expect.stringMatching(/./) as string });
    });

    test("a server that neither accepts nor refuses the device counts as failed", async () => {
      for (const [url, code] of world.failing) expect(await errorAt(url)).toEqual({ kind: "failed", code, message: expect.stringMatching(/./) as string });
    });

    test("an invalid address, or one of another transport, is an error result and not an exception", async () => {
      for (const url of world.badUrls) expect(await errorAt(url), url).toMatchObject({ kind: "failed", code: expect.stringMatching(/^link\./) as string });
    });

    test("names its own schemes and no others", async () => {
      const { schemes } = transport();
      expect([...schemes.keys()]).toContain(new URL(world.url).protocol);
      expect(new Set(schemes.values())).toContain("secure");
      for (const scheme of ["https:", "nonsense:"]) {
        expect(schemes.has(scheme)).toBe(false);
        expect(await errorAt(`${scheme}//127.0.0.1/`)).toMatchObject({ kind: "failed", code: "link.address" });
      }
    });

    test("accepts a frame of the largest size and refuses a larger one, and the connection stays open", async () => {
      const { connection, served } = await connected();
      expect(connection.frameBytesMax).toBeGreaterThanOrEqual(4096);
      // Two bytes per character: the limit is in bytes.
      const largest = "ä".repeat(Math.floor(connection.frameBytesMax / 2));
      expect(connection.send(`${largest}ä`)).toBe(false);
      expect(connection.send(largest)).toBe(true);
      expect(connection.send("small")).toBe(true);
      await expect.poll(() => served.received).toEqual([largest, "small"]);
    });

    test("giving up ends an attempt that hangs", async () => {
      const ear = new Ear();
      const giveUp = new AbortController();
      const attempt = transport().connect(world.muteUrl, ear.events, giveUp.signal);
      giveUp.abort();
      const result = await attempt;
      expect(result.ok ? "ok" : result.error.code).toBe("link.timeout");
      const before = await transport().connect(world.url, ear.events, giveUp.signal);
      expect(before.ok).toBe(false);
      expect(ear.ends).toEqual([]);
    });

    test("when the server does not read, send refuses before memory grows, and close is still immediate", async () => {
      const { ear, connection, served } = await connected();
      served.pause();
      const frame = "y".repeat(100_000);
      let sent = 0;
      while (connection.send(frame) && sent < 2_000) sent += 1;
      expect(sent).toBeLessThan(2_000);
      expect(connection.bufferedBytes()).toBeLessThanOrEqual(2 * 1024 * 1024);
      connection.close("stuck");
      expect(ear.ends).toHaveLength(1);
    });
  });
}
