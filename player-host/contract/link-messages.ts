import * as v from "valibot";
import { BrowserReportSchema } from "./browser-report.ts";

/**
 * The protocol between agent and player host: one JSON text per line over a local socket in the data
 * folder (`player.sock`, mode 0600). The agent listens; the host connects and reconnects for ever.
 * If one of them dies, the other carries on. Lines over `LINK_LINE_BYTES_MAX` end the connection.
 */
export const LINK_VERSION = 1;
export const LINK_LINE_BYTES_MAX = 1024 * 1024;

const TextSchema = v.pipe(v.string(), v.maxLength(2000));
const IdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,64}$/));
const NumberSchema = v.pipe(v.number(), v.minValue(0));
const ObjectSchema = v.pipe(
  v.record(v.string(), v.unknown()),
  v.check((value) => !Array.isArray(value), "must be a JSON object, not a list"),
);

export const HostVerdictSchema = v.picklist(["showing", "dark", "frozen", "error-page", "blank", "unknown"]);
export type HostVerdict = v.InferOutput<typeof HostVerdictSchema>;

/** The host's verdict on its own picture. The agent adds the output, the display and the schedule. */
export const HostPictureSchema = v.object({
  verdict: HostVerdictSchema,
  confidence: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  evidence: v.array(v.object({ witness: v.string(), says: TextSchema })),
  /** The picture is not on the glass because these outputs are off: a sentence such as `HDMI-A-1 is off`. The verdict is `dark`. */
  outputOff: v.optional(TextSchema),
});
export type HostPicture = v.InferOutput<typeof HostPictureSchema>;

/**
 * What is on the stage. `screen` is one of our own pages: pairing, offline, fault, blank. `sinceMs` is wall-clock
 * milliseconds since the epoch. `playing` with an error in the picture's evidence is the last good picture during an outage.
 */
export const StageReportSchema = v.variant("kind", [
  v.object({ kind: v.literal("screen"), screen: v.string() }),
  v.object({ kind: v.literal("loading"), content: v.string(), sinceMs: NumberSchema }),
  /** `looping`: the page is in a reload loop. */
  v.object({ kind: v.literal("playing"), content: v.string(), sinceMs: NumberSchema, loads: NumberSchema, looping: v.optional(v.boolean()) }),
  v.object({ kind: v.literal("failed"), content: v.string(), error: TextSchema }),
]);
export type StageReport = v.InferOutput<typeof StageReportSchema>;

/** Where the content is: the host loads a URL, or serves a folder that the agent unpacked and verified. */
export const StageContentSchema = v.variant("kind", [
  v.object({
    kind: v.literal("url"),
    id: v.string(),
    url: v.string(),
    grants: v.array(v.string()),
    /** Further origins that belong to this content, besides that of `url`. */
    origins: v.optional(v.array(v.string())),
    /** Whether its origin may use the site's own network and this machine (`player.localNetworkOrigins`). */
    localNetwork: v.optional(v.boolean()),
  }),
  v.object({
    kind: v.literal("package"),
    /** Content hash; names the folder. */
    id: v.string(),
    /** Name from the manifest: packages with the same name are versions of each other. */
    name: v.optional(v.string()),
    /** Absolute path, already verified against the manifest. */
    folder: v.string(),
    entry: v.string(),
    grants: v.array(v.string()),
    /** Origins the page may talk to besides itself. */
    allowedOrigins: v.array(v.string()),
    /** When it was unpacked: a damaged package that was fetched again counts as different content and is reloaded. */
    unpackedMs: v.optional(v.number()),
  }),
]);
export type StageContent = v.InferOutput<typeof StageContentSchema>;

/** What should be on the screen. The host keeps the latest on disk and starts with it while the agent is away. */
export const StageSceneSchema = v.variant("kind", [
  v.object({ kind: v.literal("content"), content: StageContentSchema }),
  v.object({
    kind: v.literal("pairing"), code: v.optional(v.string()), claimUrl: v.optional(v.string()), deviceId: v.string(), status: TextSchema,
    /** How a phone gets into the set-up network, while it is open. */
    setup: v.optional(v.object({ ssid: v.string(), password: v.string(), url: v.string() })),
  }),
  v.object({ kind: v.literal("offline"), message: TextSchema }),
  v.object({ kind: v.literal("fault"), code: v.string(), message: TextSchema }),
  v.object({ kind: v.literal("blank") }),
]);
export type StageScene = v.InferOutput<typeof StageSceneSchema>;

/** Device facts and configuration for the page API. */
export const PageContextSchema = v.object({
  device: ObjectSchema,
  config: ObjectSchema,
});
export type PageContext = v.InferOutput<typeof PageContextSchema>;

/** The agent's way out of the site's network, used for the page too. Without a proxy: direct, or as the host's environment says. */
export const WayOutSchema = v.object({
  /** `http://[user:password@]host:port`, or `https://` for a proxy reached over TLS. A secret. */
  proxy: v.optional(v.string()),
  /** Hosts reached without the proxy: names (including subdomains) or `host:port`, separated by commas. Loopback is always included. */
  noProxy: v.optional(v.string()),
});
export type WayOut = v.InferOutput<typeof WayOutSchema>;

/** Requests from the agent. Each is answered by a `reply` with the same id. */
export const HostRequestSchema = v.variant("do", [
  v.object({ do: v.literal("reload"), ignoreCache: v.boolean() }),
  /** Answered with `{ base64, width, height, format, source, outputOff? }`. */
  v.object({ do: v.literal("screenshot"), format: v.picklist(["png", "jpeg"]), quality: v.optional(v.number()), widthMax: v.optional(v.number()) }),
  v.object({ do: v.literal("clear-cache"), storage: v.boolean() }),
  v.object({ do: v.literal("identify"), text: v.string(), durationMs: NumberSchema }),
  /** A message for the page on the screen. Answered once handed over; `player.no-page` when there is none. */
  v.object({ do: v.literal("page-message"), message: v.unknown() }),
  /** The host ends with exit code 75; its launcher starts it again. */
  v.object({ do: v.literal("restart") }),
]);
export type HostRequest = v.InferOutput<typeof HostRequestSchema>;

/** Answer to a request. */
export const HostReplySchema = v.variant("ok", [
  v.object({ ok: v.literal(true), result: ObjectSchema }),
  v.object({ ok: v.literal(false), code: v.string(), message: TextSchema }),
]);
export type HostReply = v.InferOutput<typeof HostReplySchema>;

/** Host to agent. */
export const HostMessageSchema = v.variant("t", [
  v.object({
    t: v.literal("host-hello"),
    version: v.literal(LINK_VERSION),
    /** Changes with every start of the host process. */
    instance: IdSchema,
    pid: NumberSchema,
    /** `chromium 156.0…`, `electron 45.4.1`. */
    shell: v.string(),
    scene: v.optional(StageSceneSchema),
    browser: v.optional(BrowserReportSchema),
  }),
  /** Sent when the browser has started, has shown its first picture, or has shown none in time. */
  v.object({ t: v.literal("browser"), browser: BrowserReportSchema }),
  /** Why the host's log is not being written; without `trouble`, it is. Sent on change. */
  v.object({ t: v.literal("log-trouble"), trouble: v.optional(v.object({ code: v.string(), message: TextSchema })) }),
  v.object({ t: v.literal("stage"), stage: StageReportSchema, picture: HostPictureSchema }),
  /** An event emitted by the page. Answered by `page-stored` with the same `id` once it is stored durably. */
  v.object({ t: v.literal("page-event"), id: IdSchema, name: v.string(), data: v.optional(ObjectSchema) }),
  v.object({ t: v.literal("page-play"), id: IdSchema, play: ObjectSchema }),
  /** The state reported by the page. Without `state`: other content or none is on, and the last state no longer holds. */
  v.object({ t: v.literal("page-state"), state: v.optional(ObjectSchema) }),
  /** Number of drops and refusals of the page API with this code since the last message. */
  v.object({ t: v.literal("page-refused"), code: v.string(), count: NumberSchema }),
  /** Renderer and host metrics for telemetry, by name. */
  v.object({ t: v.literal("metrics"), metrics: v.record(v.string(), v.number()) }),
  v.object({ t: v.literal("reply"), id: IdSchema, reply: HostReplySchema }),
  /**
   * The last message of a host in an orderly stop (SIGTERM, SIGINT or quit), as for maintenance or an update, also if it is started
   * again afterwards. A host that dies, or restarts on the agent's command, sends none.
   */
  v.object({ t: v.literal("host-goodbye") }),
  v.object({ t: v.literal("log"), level: v.picklist(["debug", "info", "warn", "error"]), message: TextSchema, fields: v.optional(ObjectSchema) }),
]);
export type HostMessage = v.InferOutput<typeof HostMessageSchema>;

/** Agent to host. */
export const AgentMessageSchema = v.variant("t", [
  v.object({ t: v.literal("agent-hello"), version: v.literal(LINK_VERSION), context: PageContextSchema, scene: StageSceneSchema, wayOut: v.optional(WayOutSchema) }),
  v.object({ t: v.literal("scene"), scene: StageSceneSchema }),
  v.object({ t: v.literal("context"), context: PageContextSchema }),
  v.object({ t: v.literal("way-out"), wayOut: WayOutSchema }),
  v.object({ t: v.literal("request"), id: IdSchema, request: HostRequestSchema }),
  v.object({ t: v.literal("page-stored"), id: IdSchema, code: v.optional(v.string()) }),
  v.object({ t: v.literal("gpio"), line: v.string(), level: v.picklist([0, 1]) }),
]);
export type AgentMessage = v.InferOutput<typeof AgentMessageSchema>;
