import { answerWell, challenge, type Peer } from "../../../agent/core/cloud/testing/scripted-transport.ts";
import { LinkBench } from "../../../agent/core/cloud/testing/link-bench.ts";
import { PlayerService } from "../../../agent/core/player/player-service.ts";
import type { PlayerEvent, PlayerLink } from "../../../agent/core/player/player-port.ts";
import { LocalRequestSchema } from "../../../agent/node/local-api/wire.ts";
import { decodeCloudMessage, decodeDeviceMessage, validate } from "../../../agent/protocol/codec.ts";
import { findCommand } from "../../../agent/protocol/commands/catalog.ts";
import { DesiredDocumentSchema } from "../../../agent/protocol/desired.ts";
import { silentLog } from "../../../platform/ports/log.ts";
import { ok } from "../../../platform/ports/result.ts";
import { LineFramer } from "../../../platform/runtime/line-framer.ts";
import { parseJson } from "../../../platform/runtime/json.ts";
import type { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { HostMessageSchema } from "../../../player-host/contract/link-messages.ts";
import { PageGate } from "../../../player-host/host/page-gate.ts";
import { CloudBench, type BenchDevice } from "../../dev-cloud/testing/cloud-bench.ts";
import { COMMAND_PARAMS, DESIRED_DOCUMENTS, goldenTexts, HOST_LINES, LOCAL_LINES, PAGE_CALLS } from "./corpus.ts";
import { mutate } from "./mutate.ts";

/** A consumer of untrusted text. */
export interface FuzzTarget {
  readonly name: string;
  /** Share of all frames. */
  readonly share: number;
  /** Takes one frame. Throwing or rejecting is a violation. */
  take(random: SeededRandom): Promise<void> | void;
  /** Releases the harness's own data, so that only the target can grow. */
  forget?(): void;
}

const FRAMES_PER_SESSION = 400;

export async function fuzzTargets(): Promise<readonly FuzzTarget[]> {
  const fromCloud = goldenTexts("cloud");
  const fromDevice = goldenTexts("device");
  return [
    { name: "codec, what a cloud sends", share: 0.2, take: (random) => void decodeCloudMessage(mutate(random, fromCloud)) },
    { name: "codec, what a device sends", share: 0.2, take: (random) => void decodeDeviceMessage(mutate(random, fromDevice)) },
    await agentSession(fromCloud),
    await cloudSession(fromDevice),
    pageGate(),
    playerLink(),
    { name: "local API lines", share: 0.05, take: (random) => void lines(mutate(random, LOCAL_LINES)).map((line) => validate(LocalRequestSchema, parseJson(line), "request")) },
    { name: "desired documents", share: 0.08, take: (random) => void validate(DesiredDocumentSchema, parseJson(mutate(random, DESIRED_DOCUMENTS)), "desired") },
    commandParams(),
  ];
}

/** The agent's whole link with its session, welcomed in half of the cases. An exception in a handler is a violation. */
async function agentSession(corpus: readonly string[]): Promise<FuzzTarget> {
  const bench = await LinkBench.make({ seed: "fuzz" });
  let polite = true;
  bench.cloud.behave = () => ({
    opened: challenge,
    message: (peer: Peer, message) => {
      if (polite) answerWell(peer, message);
    },
  });
  await bench.start();
  let sent = 0;
  return {
    name: "the agent's session", share: 0.15,
    async take(random) {
      if (!bench.cloud.peer.open || sent >= FRAMES_PER_SESSION) {
        sent = 0;
        polite = random.chance(0.7);
        bench.cloud.peer.drop();
        while (!bench.cloud.peer.open) await bench.time.advance(60_000);
        await bench.time.advance(10);
      }
      sent += 1;
      bench.cloud.peer.raw(mutate(random, corpus));
      await bench.time.advance(random.chance(0.05) ? 2_000 : 0);
      const { handlerFaults } = bench.link.counts();
      if (handlerFaults > 0) throw new Error(`the session counted ${handlerFaults} faults of its own`);
    },
    forget() {
      bench.cloud.peers.splice(0, bench.cloud.peers.length - 1);
      bench.cloud.attempts.splice(0);
      bench.cloud.peer.received.splice(0);
      (bench.handlers.calls as unknown[]).splice(0);
      bench.backlog.told.splice(0);
      bench.backlog.rejections.splice(0);
      bench.drains.splice(0);
    },
  };
}

/** The development cloud's sessions, before and after the welcome. */
async function cloudSession(corpus: readonly string[]): Promise<FuzzTarget> {
  const bench = await CloudBench.create();
  const device: BenchDevice = await bench.claimed();
  let sent = 0;
  return {
    name: "the development cloud's session", share: 0.12,
    async take(random) {
      if (device.closed !== undefined || sent >= FRAMES_PER_SESSION) {
        sent = 0;
        device.drop();
        if (random.chance(0.3)) device.open();
        else await device.connect();
        // Advance time, or the limit of useless frames per minute would end each session early.
      }
      sent += 1;
      device.sendText(mutate(random, corpus).replaceAll("log-5a1c", device.log));
      await bench.time.advance(random.chance(0.5) ? 1_100 : 0);
      if (bench.cloud.context.counters.commitFailures > 0) throw new Error("a frame made a commit fail");
    },
    forget() {
      device.received = [];
      device.nonsense = [];
      bench.events.splice(0);
      bench.store.prune({ records: { outcome: 50, alarm: 50, play: 50, event: 50, metric: 50 }, hidden: 10, commands: 50 }, 100_000);
    },
  };
}

function pageGate(): FuzzTarget {
  const time = new VirtualTime();
  const gate = new PageGate(time);
  return {
    name: "page gate", share: 0.1,
    async take(random) {
      gate.setGrants(random.chance(0.5) ? ["gpio"] : []);
      gate.take(mutate(random, PAGE_CALLS));
      await time.advance(20);
    },
    forget: () => void gate.takeCounts(),
  };
}

/** From the socket's lines to the outbox: framing, schema, and the service for page messages. */
function playerLink(): FuzzTarget {
  let tell: (event: PlayerEvent) => void = () => {};
  const link: PlayerLink = {
    status: () => ({ kind: "absent", how: "lost", sinceMs: 0, why: "fuzz" }), onStatus: () => () => {}, setScene: () => {}, setContext: () => {}, pageStored: () => {}, sendGpio: () => {},
    onEvent: (listener) => {
      tell = listener;
      return () => {};
    },
    request: () => Promise.resolve(ok({})),
  };
  const time = new VirtualTime();
  const service = new PlayerService({
    link, log: silentLog, events: { append: () => Promise.resolve(ok({ seq: 1 })) }, reporter: { set: () => {} },
    clock: time, timers: time, onMetrics: () => {}, onLost: () => {}, verdict: () => "showing", contentLabel: () => "",
  });
  service.start();
  return {
    name: "player link", share: 0.05,
    take(random) {
      for (const line of lines(mutate(random, HOST_LINES))) {
        const message = validate(HostMessageSchema, parseJson(line), "player host message");
        if (message.ok && !["host-hello", "stage", "reply"].includes(message.value.t)) tell(message.value as PlayerEvent);
      }
    },
  };
}

function commandParams(): FuzzTarget {
  const names = Object.keys(COMMAND_PARAMS);
  return {
    name: "command parameters", share: 0.05,
    take(random) {
      const name = names[random.integer(0, names.length - 1)] ?? "";
      const definition = findCommand(random.chance(0.05) ? mutate(random, names) : name);
      if (definition !== undefined) validate(definition.params, parseJson(mutate(random, [COMMAND_PARAMS[name] ?? "{}"])), "params");
    },
  };
}

function lines(text: string): readonly string[] {
  return new LineFramer(1024 * 1024).push(`${text}\n`) ?? [];
}
