import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CLI_EXIT } from "../../../agent/node/cli/command.ts";
import { runCli } from "../../../agent/node/cli/run-cli.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { cloudCommands } from "./cloud-commands.ts";

const PICTURED = "1".repeat(32);

let cloud: Server;
beforeEach(async () => {
  cloud = createServer((request, response) => {
    if (request.url?.startsWith("/api/v1/events") === true) {
      const device = JSON.stringify({ device: { id: "0".repeat(32), name: "lobby", link: { state: "offline" }, claimed: true } });
      response.writeHead(200, { "content-type": "text/event-stream" }).end(`event: hello\ndata: {"serverMs":1,"startedMs":1}\n\nevent: device\ndata: ${device}\n\n`);
      return;
    }
    const [status, body] = answerOf(request.method ?? "", request.url ?? "");
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
});
afterEach(() => new Promise((resolve) => cloud.close(resolve)));

/** A cloud with one device that cannot do the command, and another that has taken a screenshot. */
function answerOf(method: string, path: string): [status: number, body: object] {
  if (path.endsWith("/late/cancel")) return [409, { error: { code: "command.final", message: "the command is already succeeded" } }];
  if (path.endsWith("/cancel")) return [202, { command: { id: "c", name: "software.update", state: "running", final: false, ttlMs: 1, timeoutMs: 1 } }];
  if (path.endsWith("/commands/c")) return [200, { command: { id: "c", name: "software.update", state: path.includes(PICTURED) ? "succeeded" : "canceled", final: true } }];
  if (path.includes("/commands?state=open")) return [200, { commands: [{ id: "c-1", name: "software.update", state: "running", issuedMs: 0, progress: { step: "downloading" } }] }];
  if (method === "POST" && path.includes(PICTURED)) return [200, { command: { id: "c", name: "screenshot", state: "succeeded", final: true, result: { upload: "a.jpg" }, uploads: ["d.u-1"] } }];
  if (path.endsWith("/desired")) return desiredAnswer(method, path);
  if (path.endsWith("/claim")) return [400, { error: { code: "request.invalid", message: "claim, at code: must have the form ^[A-Z0-9]{4,12}$" } }];
  if (method === "POST") return [409, { error: { code: "command.not-possible", message: "it has no such port", hint: 'send it all the same with "insist": true' } }];
  if (path.endsWith("/catalog")) return [200, { commands: [{ name: "reboot", params: { type: "object", properties: {} } }, { name: "screenshot", params: { type: "object", properties: {} } }] }];
  return [200, { devices: [{ id: "0".repeat(32), name: "lobby" }, { id: PICTURED, name: "window" }] }];
}

/** A device that applies brightness and refuses rules. */
function desiredAnswer(method: string, path: string): [status: number, body: object] {
  if (method === "PATCH") return [200, { version: 2, document: {}, report: { version: 1, keys: {} } }];
  const rules = { status: "refused", error: { code: "rules.not-there", message: "rules.table[0].when[0].line: this device has no line GPIO99", hint: "it has GPIO2, GPIO3" } };
  return [200, { version: 2, document: { display: { brightness: 60 } }, report: { version: 2, keys: { "display.brightness": { status: "applied" }, ...(path.includes(PICTURED) ? { rules } : {}) } } }];
}

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const url = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
  const cli = { call: "npm run cloud --", commands: cloudCommands({ VITRINE_CLOUD_URL: url }, new VirtualTime()) };
  const code = await runCli(cli, words, { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
  return { code, out, err };
}

test("the error for a command that the device cannot do names the option of the command line", async () => {
  const { code, err } = await run("send", "lobby", "reboot");
  expect(code).toBe(CLI_EXIT.notSo);
  expect(err).toContain("--insist");
  expect(err).not.toContain('"insist": true');
});

test("a command is canceled by its id, and its outcome is waited for", async () => {
  const canceled = await run("cancel", "lobby", "c");
  expect([canceled.code, canceled.out]).toEqual([CLI_EXIT.ok, "software.update: canceled"]);
  const finished = await run("cancel", "window", "c");
  expect([finished.code, finished.out]).toEqual([CLI_EXIT.notSo, "software.update: succeeded"]);
  const late = await run("cancel", "lobby", "late");
  expect([late.code, late.err]).toEqual([CLI_EXIT.notSo, expect.stringContaining("command.final") as string]);
});

test("without an id, cancel lists the open commands; without a device it is a usage error", async () => {
  const { code, out } = await run("cancel", "lobby");
  expect([code, out]).toEqual([CLI_EXIT.ok, expect.stringMatching(/c-1 +software\.update +running.*downloading/) as string]);
  expect((await run("cancel")).code).toBe(CLI_EXIT.usage);
});

test("a screenshot's URL is printed", async () => {
  const { code, out } = await run("send", "window", "screenshot");
  const { port } = cloud.address() as AddressInfo;
  expect([code, out.trim().split("\n").at(-1)]).toEqual([CLI_EXIT.ok, `  file: http://127.0.0.1:${port}/api/v1/uploads/d.u-1/file`]);
});

test("desired state is changed by a patch, and each key's answer is printed", async () => {
  const applied = await run("desired", "lobby", "--patch", '{"display": {"brightness": 60}}');
  expect([applied.code, applied.out]).toEqual([CLI_EXIT.ok, expect.stringMatching(/"brightness": 60[\s\S]*display\.brightness\s+applied/) as string]);
  const refused = await run("desired", "window");
  expect([refused.code, refused.out]).toEqual([CLI_EXIT.notSo, expect.stringMatching(/rules\s+refused.*GPIO99 \[rules\.not-there\]\s+→ it has GPIO2, GPIO3/) as string]);
});

test("a change that is not a JSON object, or a file that is not there, is a usage error", async () => {
  for (const words of [["--patch", "[1]"], ["--file", "/nowhere/rules.json"], ["--patch", "{}", "--file", "x"], []]) {
    expect((await run("desired", ...(words.length === 0 ? [] : ["lobby"]), ...words)).code).toBe(CLI_EXIT.usage);
  }
});

test("watch first says what it follows, then prints only events", async () => {
  const { out, err } = await run("watch");
  expect(err).toBe("following every device; press Ctrl-C to stop");
  expect(out.trim().split("\n")).toEqual([expect.stringMatching(/ {2}device {6}lobby/) as string]);
  expect((await run("watch", "--json")).out).toContain("startedMs");
});

test("an invalid value is a usage error, even if the cloud rejected it; a valid but impossible one is not", async () => {
  const wrong = await run("claim", "not a code", "--json");
  expect([wrong.code, wrong.out]).toEqual([CLI_EXIT.usage, expect.stringContaining("request.invalid") as unknown]);
  expect(wrong.out).not.toContain("httpStatus");
  expect((await run("send", "lobby", "reboot")).code).toBe(CLI_EXIT.notSo);
});

test("help and usage show the command as typed", async () => {
  expect((await run("--help")).out).toContain("npm run cloud -- send");
  expect((await run("send")).err).toContain("usage: npm run cloud -- send <device> <command>");
  expect((await run("sned")).err).toContain('did you mean "send"');
});

test("every usage line names every option of its command, also where an argument is missing", async () => {
  const all = cloudCommands({}, new VirtualTime());
  for (const { name, usage, options = {} } of all) for (const option of Object.keys(options)) expect(`${name} ${usage}`).toContain(`--${option}`);
  for (const { name, usage } of all.filter((command) => command.usage.startsWith("<"))) expect((await run(name)).err).toContain(`usage: npm run cloud -- ${name} ${usage}`);
});

test("an extra argument is refused", async () => {
  for (const words of ["devices extra", "claim CODE extra", "watch lobby extra"]) expect((await run(...words.split(" "))).code).toBe(CLI_EXIT.usage);
});

test("an invalid URL is a usage error; a cloud that does not answer is unreachable, with the reason", async () => {
  expect(await run("devices", "--url", "nonsense")).toEqual({ code: CLI_EXIT.usage, out: "", err: expect.stringContaining('"nonsense" is not the URL of a cloud [cloud.bad-address]') as string });
  // fetch refuses this port itself, so it does not matter whether anything listens there.
  expect(await run("devices", "--url", "http://127.0.0.1:1")).toEqual({ code: CLI_EXIT.unreachable, out: "", err: expect.stringContaining("http://127.0.0.1:1 cannot be reached: bad port [cloud.unreachable]") as string });
});
