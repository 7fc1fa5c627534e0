import { beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import type { JsonObject } from "../../../platform/runtime/json.ts";
import { SeededRandom } from "../../../platform/simulated/seeded-random.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import type { StageContent } from "../../../player-host/contract/link-messages.ts";
import type { Content } from "../../protocol/content.ts";
import { MemoryDocumentStore } from "../storage/memory-document-store.ts";
import { FakePlayer } from "../commands/testing/fake-player.ts";
import { contentLabel, ContentService } from "./content-service.ts";
import { contentTarget } from "./content-target.ts";

const url = (name: string): Content => ({ kind: "url", url: `http://127.0.0.1/${name}` });
const staged = (name: string): StageContent => ({ kind: "url", id: name, url: `http://127.0.0.1/${name}`, grants: [] });

let time: VirtualTime;
let answers: Record<string, Result<StageContent>>;
let asked: string[];
let documents: MemoryDocumentStore;
let stop: AbortController;
let player: FakePlayer;

function service(): ContentService {
  const provider = {
    prepare: (content: Content) => {
      asked.push(content.url);
      return Promise.resolve(answers[content.url] ?? fail("content.unreachable", "nobody there"));
    },
  };
  return new ContentService({ provider, documents, clock: time, timers: time, random: new SeededRandom("content"), log: silentLog });
}

beforeEach(() => {
  time = new VirtualTime();
  answers = { "http://127.0.0.1/a": ok(staged("a")), "http://127.0.0.1/b": ok(staged("b")) };
  asked = [];
  documents = new MemoryDocumentStore();
  stop = new AbortController();
  player = new FakePlayer({ kind: "playing", content: "a", sinceMs: 0, loads: 1 });
});

test("the last good content stays until the next one is complete", async () => {
  const content = service();
  void content.run(stop.signal);
  content.want(url("a"));
  await time.advance(10);
  expect(content.showing()).toEqual(staged("a"));
  answers["http://127.0.0.1/b"] = fail("content.hash-mismatch", "broken on the way");
  content.want(url("b"));
  await time.advance(60_000);
  expect(content.state()).toMatchObject({ kind: "preparing", lastError: { code: "content.hash-mismatch" } });
  expect(content.showing()).toEqual(staged("a"));
  expect(asked.filter((address) => address.endsWith("/b")).length).toBeGreaterThan(1);
  answers["http://127.0.0.1/b"] = ok(staged("b"));
  await time.advance(700_000);
  expect(content.showing()).toEqual(staged("b"));
});

test("wanting the same content again does nothing; wanting another abandons the first", async () => {
  const content = service();
  void content.run(stop.signal);
  answers["http://127.0.0.1/a"] = fail("content.unreachable", "nobody there");
  content.want(url("a"));
  content.want(url("a"));
  await time.advance(10);
  expect(asked).toEqual(["http://127.0.0.1/a"]);
  content.want(url("b"));
  await time.advance(10);
  expect(content.showing()).toEqual(staged("b"));
});

test("a device that starts without a network shows its last content", async () => {
  const before = service();
  void before.run(stop.signal);
  before.want(url("a"));
  await time.advance(10);
  const after = service();
  await after.restore();
  expect(after.showing()).toEqual(staged("a"));
});

test("restored content is checked, and downloaded again when it is missing", async () => {
  await documents.put({ "content.showing": { wanted: url("a"), showing: staged("a") } });
  answers["http://127.0.0.1/a"] = fail("content.unreachable", "the folder is gone and the network too");
  const content = service();
  await content.restore();
  void content.run(stop.signal);
  await time.advance(10);
  expect(content.state()).toMatchObject({ kind: "preparing", showing: staged("a"), lastError: { code: "content.unreachable" } });
  answers["http://127.0.0.1/a"] = ok(staged("a"));
  await time.advance(60_000);
  expect(content.state()).toMatchObject({ kind: "ready", showing: staged("a") });
});

test.each([{}, { wanted: url("a") }, { wanted: url("a"), showing: { kind: "package" } }])("an unusable record counts as none: %j", async (kept) => {
  await documents.put({ "content.showing": kept as JsonObject });
  const content = service();
  await content.restore();
  expect(content.state()).toEqual({ kind: "none" });
});

test("the same content with its fields in another order settles at once", async () => {
  const content = service();
  void content.run(stop.signal);
  const target = contentTarget({ service: content, player, clock: time, timers: time });
  const inOrder: Content = { kind: "url", url: "http://127.0.0.1/a", name: "Menu" };
  await time.settled(target.apply(inOrder, stop.signal));
  const reordered: Content = { name: "Menu", url: "http://127.0.0.1/a", kind: "url" };
  expect(await time.settled(target.apply(reordered, stop.signal))).toMatchObject({ effect: { observed: { kind: "ok" } } });
});

test("the desired key reports ready content, or why it is not ready", async () => {
  const content = service();
  void content.run(stop.signal);
  const target = contentTarget({ service: content, player, clock: time, timers: time });
  expect(await target.observe(stop.signal)).toMatchObject({ kind: "unknown" });
  expect(await time.settled(target.apply(url("a"), stop.signal))).toMatchObject({ kind: "effect", effect: { observed: { kind: "ok", value: url("a") } } });
  answers["http://127.0.0.1/c"] = fail("content.bad-package", "no zip");
  expect(await time.settled(target.apply(url("c"), stop.signal))).toMatchObject({ kind: "effect", effect: { error: { code: "content.bad-package" }, observed: { kind: "unknown" } } });
});

test("ready content counts as applied only once the host shows it", async () => {
  const content = service();
  void content.run(stop.signal);
  const target = contentTarget({ service: content, player, clock: time, timers: time });
  player.vanish();
  expect(await time.settled(target.apply(url("b"), stop.signal))).toMatchObject({ effect: { observed: { kind: "unknown" } } });
  player.appear("host-2", 7, { kind: "failed", content: "b", error: "404" });
  expect(await target.observe(stop.signal)).toMatchObject({ kind: "failed", error: { code: "content.not-shown" } });
  player.show({ kind: "playing", content: "a", sinceMs: 0, loads: 1 });
  expect(await target.observe(stop.signal)).toMatchObject({ kind: "unknown" });
  player.show({ kind: "playing", content: "b", sinceMs: 0, loads: 2 });
  expect(await target.observe(stop.signal)).toMatchObject({ kind: "ok", value: url("b") });
});

test("stopping leaves no timer behind", async () => {
  const content = service();
  const running = content.run(stop.signal);
  content.want(url("nowhere"));
  await time.advance(10);
  stop.abort();
  await time.settled(running);
  expect(time.pending()).toEqual([]);
});

test("content is labelled with its name, and a package also with its hash to distinguish versions", () => {
  const id = "ab".repeat(32);
  const wanted: Content = { kind: "package", url: "http://127.0.0.1/a.zip", sha256: id, bytes: 1, name: "Menu" };
  const showing: StageContent = { kind: "package", id, folder: "/x", entry: "index.html", grants: [], allowedOrigins: [] };
  expect(contentLabel({ kind: "ready", wanted, showing }, id)).toBe("Menu (abababab)");
  expect(contentLabel({ kind: "none" }, id)).toBe("package (abababab)");
  expect(contentLabel({ kind: "none" }, "http://127.0.0.1/a")).toBe("http://127.0.0.1/a");
});
