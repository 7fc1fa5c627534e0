import { GatedTransport } from "./gated-transport.ts";
import { ScriptedTransport, type Peer } from "./testing/scripted-transport.ts";
import { transportConformance, type ServedConnection, type TransportWorld } from "./transport.conformance.ts";
import type { Refused } from "./cloud-port.ts";

const at = (path: string): string => `wss://cloud.test/${path}`;

const REFUSALS: readonly Omit<Refused, "message">[] = [
  { kind: "refused", reason: "not-authorised", code: "link.http-403" },
  { kind: "refused", reason: "too-busy", code: "link.http-503", retryAfterMs: 5_000 },
  { kind: "refused", reason: "moved", code: "link.http-308", endpoint: "wss://other.test/" },
];

let scripted = new ScriptedTransport(() => 0);

function scriptedWorld(): Promise<TransportWorld> {
  scripted = new ScriptedTransport(() => 0);
  const waiting: ((served: ServedConnection) => void)[] = [];
  const received = new Map<Peer, string[]>();
  scripted.behave = (url) => {
    if (url === at("dead")) return { connect: { code: "link.refused", message: "nobody listens" } };
    if (url === at("mute")) return { connect: "hang" };
    const refusal = REFUSALS.find(({ reason }) => url === at(reason));
    if (refusal !== undefined) return { connect: { ...refusal, message: "no" } };
    return {
      opened: (peer) => {
        received.set(peer, []);
        waiting.shift()?.(serve(peer, received.get(peer) ?? []));
      },
      frame: (peer, text) => void received.get(peer)?.push(text),
    };
  };
  return Promise.resolve({
    url: at("device"),
    deadUrl: at("dead"),
    muteUrl: at("mute"),
    refusing: new Map(REFUSALS.map((refusal) => [at(refusal.reason), refusal])),
    failing: new Map(),
    badUrls: ["not an address", "http://127.0.0.1/"],
    accepted: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () => Promise.resolve(),
  });
}

function serve(peer: Peer, received: readonly string[]): ServedConnection {
  return {
    received,
    send: (frame) => peer.raw(frame),
    close: () => peer.drop({ code: "link.closed", message: "bye" }),
    destroy: () => peer.drop(),
    pause: () => {
      peer.full = true;
    },
  };
}

transportConformance("ScriptedTransport", () => scripted, scriptedWorld);
transportConformance("GatedTransport with an open gate", () => new GatedTransport(scripted, { allowed: () => true, onChange: () => () => {} }), scriptedWorld);
