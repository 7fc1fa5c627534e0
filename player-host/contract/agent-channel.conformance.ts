import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UNSENT_BYTES_MAX, type ChannelListener, type LinkChannel } from "./link-channel.ts";
import { LINK_LINE_BYTES_MAX } from "./link-messages.ts";

/** A kind of channel from player hosts to an agent. */
export interface ChannelsUnderTest {
  /** Connects as the host does. */
  open(listener: ChannelListener): LinkChannel;
  /** The agent starts accepting connections. */
  listen(accept: (channel: LinkChannel) => ChannelListener): Promise<void>;
  /** The agent and all its connections are gone. */
  goAway(): Promise<void>;
  /** The agent has a connection but stops reading from it. */
  stopReading(): void;
  dispose(): Promise<void>;
}

/** One end, with everything it received. */
class End implements ChannelListener {
  channel: LinkChannel | undefined;
  readonly told: string[] = [];
  #wake: () => void = () => undefined;

  opened(): void {
    this.#tell("opened");
  }
  line(text: string): void {
    this.#tell(text);
  }
  ended(why: string): void {
    this.#tell(`ended: ${why}`);
  }

  send(line: string): boolean {
    return this.channel?.send(line) ?? false;
  }

  /** Resolves once that many events were received. */
  async has(count: number): Promise<readonly string[]> {
    while (this.told.length < count) await new Promise<void>((wake) => (this.#wake = wake));
    return this.told;
  }

  #tell(what: string): void {
    this.told.push(what);
    this.#wake();
  }
}

/** The suite for every channel between player host and agent. */
export function describeAgentChannel(name: string, make: () => Promise<ChannelsUnderTest>): void {
  describe(`a link over ${name}`, () => {
    let way: ChannelsUnderTest;
    let agents: End[];
    let connected: () => void;

    beforeEach(async () => {
      agents = [];
      connected = () => undefined;
      way = await make();
    });
    afterEach(() => way.dispose());

    const listen = (): Promise<void> =>
      way.listen((channel) => {
        const end = new End();
        end.channel = channel;
        agents.push(end);
        connected();
        return end;
      });
    const open = (): End => {
      const host = new End();
      host.channel = way.open(host);
      expect(host.told, "nothing is told before the channel is there").toEqual([]);
      return host;
    };
    /** Both ends of a new connection. */
    const connect = async (): Promise<{ readonly host: End; readonly agent: End }> => {
      const before = agents.length;
      const host = open();
      await host.has(1);
      while (agents.length === before) await new Promise<void>((done) => (connected = done));
      return { host, agent: agents.at(-1) as End };
    };

    test("carries lines both ways, whole and in order, whatever they contain", async () => {
      await listen();
      const { host, agent } = await connect();
      const lines = ["{}", JSON.stringify({ a: "ä𝄞\n\u2028" }), ...Array.from({ length: 200 }, (_none, n) => `"${n}${"ö".repeat(n)}"`)];
      for (const line of lines) expect(host.send(line)).toBe(true);
      expect(await agent.has(lines.length)).toEqual(lines);
      for (const line of lines) expect(agent.send(line)).toBe(true);
      expect(await host.has(lines.length + 1)).toEqual(["opened", ...lines]);
    });

    test("delivers what an end sent before it ended the channel", async () => {
      await listen();
      const { host, agent } = await connect();
      host.send("1");
      host.send("2");
      host.channel?.end("it stops");
      expect(await agent.has(3)).toEqual(["1", "2", expect.stringMatching(/^ended: /)]);
      const again = await connect();
      again.agent.send("3");
      again.agent.channel?.end("it stops");
      expect(await again.host.has(3)).toEqual(["opened", "3", expect.stringMatching(/^ended: /)]);
    });

    test("without an agent, ends exactly once and tells nothing else; it works once an agent is there", async () => {
      const alone = open();
      const [only] = await alone.has(1);
      expect(only).toMatch(/^ended: ./);
      expect(alone.send("{}")).toBe(false);
      await listen();
      const { host, agent } = await connect();
      host.send("1");
      expect(await agent.has(1)).toEqual(["1"]);
      expect(alone.told).toHaveLength(1);
    });

    test("ends for the host when the agent goes away, and can be opened again when the agent is back", async () => {
      await listen();
      const { host, agent } = await connect();
      await way.goAway();
      expect(await host.has(2)).toEqual(["opened", "ended: the agent closed the link"]);
      await agent.has(1);
      expect([host.send("{}"), agent.send("{}")]).toEqual([false, false]);
      await listen();
      const again = await connect();
      expect(again.agent.send("1")).toBe(true);
      expect(await again.host.has(2)).toEqual(["opened", "1"]);
    });

    test.each(["host", "agent"] as const)("ended by the %s: both ends are told once, and only the one that ended it gets the reason", async (who) => {
      await listen();
      const { host, agent } = await connect();
      const [ours, other] = who === "host" ? [host, agent] : [agent, host];
      ours.channel?.end("enough");
      ours.channel?.end("again");
      await ours.has(who === "host" ? 2 : 1);
      await other.has(who === "host" ? 1 : 2);
      expect(ours.told.at(-1)).toBe("ended: enough");
      expect(other.told.at(-1)).toBe(`ended: the ${who === "host" ? "player host" : "agent"} closed the link`);
      // With a later connection, the old one must not have received anything more.
      await connect();
      expect([...host.told, ...agent.told].filter((told) => told.startsWith("ended"))).toHaveLength(2);
    });

    test.each(["host", "agent"] as const)("a line over the limit from the %s ends the channel and is not delivered; one of exactly the limit is", async (who) => {
      await listen();
      const { host, agent } = await connect();
      const [from, to] = who === "host" ? [host, agent] : [agent, host];
      const before = to.told.length;
      const longest = `"${"x".repeat(LINK_LINE_BYTES_MAX - 2)}"`;
      from.send(longest);
      expect((await to.has(before + 1)).at(-1) === longest).toBe(true);
      // Over the limit in bytes, though not in characters.
      from.send(`"${"ö".repeat(LINK_LINE_BYTES_MAX / 2)}"`);
      expect((await to.has(before + 2)).at(-1)).toBe(`ended: the ${who === "host" ? "player host" : "agent"} sent a line over ${LINK_LINE_BYTES_MAX} bytes`);
      const other = await connect();
      other.host.send("1");
      expect(await other.agent.has(1)).toEqual(["1"]);
    });

    test("an agent that does not read ends the channel before the host's memory is full", async () => {
      await listen();
      const { host } = await connect();
      way.stopReading();
      const line = `"${"x".repeat(100_000)}"`;
      let sentBytes = 0;
      while (host.send(line)) sentBytes += line.length;
      // Plus what the kernel buffers.
      expect(sentBytes).toBeGreaterThan(UNSENT_BYTES_MAX / 2);
      expect(sentBytes).toBeLessThan(4 * UNSENT_BYTES_MAX);
      expect(await host.has(2)).toEqual(["opened", "ended: the agent does not read"]);
      expect((await connect()).host.send("1")).toBe(true);
    });
  });
}
