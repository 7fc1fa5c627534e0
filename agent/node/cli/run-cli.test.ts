import { expect, test } from "vitest";
import { fail } from "../../../platform/ports/result.ts";
import { CLI_EXIT, type CliCommand, type CliContext } from "./command.ts";
import { deviceCommands } from "./device-commands.ts";
import { runCli } from "./run-cli.ts";

let seen: CliContext | undefined;
const commands: readonly CliCommand[] = [
  { name: "status", summary: "What it does.", usage: "[--data DIR]", options: { data: { type: "string" } }, run: take },
  { name: "send", summary: "Sends.", usage: "<device> <command>", options: { url: { type: "string" }, "no-wait": { type: "boolean" } }, freeOptions: true, run: take },
];
function take(context: CliContext): Promise<0> {
  seen = context;
  return Promise.resolve(CLI_EXIT.ok);
}

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  seen = undefined;
  let out = "";
  let err = "";
  const code = await runCli({ call: "vitrine", commands }, words, { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
  return { code, out, err };
}

test("a command accepts its own options and refuses unknown ones", async () => {
  expect((await run("status", "--data", "/x", "--json")).code).toBe(0);
  expect(seen?.options["data"]).toBe("/x");
  expect(seen?.json).toBe(true);
  const wrong = await run("status", "--dta", "/x");
  expect(wrong).toMatchObject({ code: CLI_EXIT.usage });
  expect(wrong.err).toContain("--dta");
  expect(wrong.err).toContain("usage: vitrine status");
});

test("every usage line names every option of its command", () => {
  for (const { name, usage, options = {} } of deviceCommands({ socketPath: () => fail("socket.untrusted-folder", "none") })) {
    for (const option of Object.keys(options)) expect(`${name} ${usage}`).toContain(`--${option}`);
  }
});

test("a command that sends parameters receives unknown options", async () => {
  await run("send", "lobby", "display.power", "--on", "false", "--url", "http://127.0.0.1:1", "--json");
  expect(seen?.args).toEqual(["lobby", "display.power", "--on", "false"]);
  expect(seen?.options["url"]).toBe("http://127.0.0.1:1");
  await run("send", "lobby", "reboot", "--no-wait");
  expect(seen?.options["no-wait"]).toBe(true);
  expect(seen?.args).toEqual(["lobby", "reboot"]);
  await run("send", "lobby", "audio.mute", "--no-mute");
  expect(seen?.args).toEqual(["lobby", "audio.mute", "--no-mute"]);
});

test("help succeeds; a missing or unknown command does not", async () => {
  expect(await run("--help")).toMatchObject({ code: CLI_EXIT.ok, err: "" });
  expect((await run("status", "--help")).out).toContain("What it does.");
  expect(await run()).toMatchObject({ code: CLI_EXIT.usage });
  expect((await run("stauts")).err).toContain('did you mean "status"');
});

test("help for a command, in any word order, succeeds and goes to standard output", async () => {
  for (const words of ["send --help", "help send", "status -h", "help status", "--help status", "send --help"]) {
    const answer = await run(...words.split(" "));
    expect([words, answer.code, answer.err, /Sends\.|What it does\./.test(answer.out)]).toEqual([words, CLI_EXIT.ok, "", true]);
  }
  expect(await run("help", "nonsense")).toMatchObject({ code: CLI_EXIT.usage, out: "" });
});

test("no command is suggested for a name unlike every other", async () => {
  expect((await run("zzzzzz")).err).not.toContain("did you mean");
});

test("an extra argument is refused", async () => {
  const extra = await run("status", "extra");
  expect(extra).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(extra.err).toContain('does not take "extra"');
  for (const words of ["logs extra", "config log.level extra"]) expect((await onDevice(...words.split(" "))).code).toBe(CLI_EXIT.usage);
});

test("cloud names the development cloud's new command line, whatever follows it", async () => {
  for (const words of ["cloud", "cloud devices", "cloud send lobby display.power --on false", "cloud nonsense --url http://127.0.0.1:1"]) {
    const { code, out, err } = await onDevice(...words.split(" "));
    expect([words, code, out]).toEqual([words, CLI_EXIT.usage, ""]);
    expect(err).toContain("its own command line, which is not installed on a device [cli.moved]");
    expect(err).toContain("npm run cloud -- devices");
  }
  expect(JSON.parse((await onDevice("cloud", "devices", "--json")).out)).toMatchObject({ error: { code: "cli.moved" } });
});

test("a socket that may belong to somebody else is not used; the error has its own code and exit code 3", async () => {
  const { code, err } = await onDevice("status");
  expect(code).toBe(CLI_EXIT.unreachable);
  expect(err).toContain("[socket.untrusted-folder]");
});

/** Runs the device commands with a socket that may belong to somebody else. */
async function onDevice(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const cli = { call: "vitrine", commands: deviceCommands({ socketPath: () => fail("socket.untrusted-folder", "belongs to user 5", "remove it") }) };
  const code = await runCli(cli, words, { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
  return { code, out, err };
}
