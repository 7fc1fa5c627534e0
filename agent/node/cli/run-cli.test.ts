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

test("options of a command are its own, and what it does not know it refuses", async () => {
  expect((await run("status", "--data", "/x", "--json")).code).toBe(0);
  expect(seen?.options["data"]).toBe("/x");
  expect(seen?.json).toBe(true);
  const wrong = await run("status", "--dta", "/x");
  expect(wrong).toMatchObject({ code: CLI_EXIT.usage });
  expect(wrong.err).toContain("--dta");
  expect(wrong.err).toContain("usage: vitrine status");
});

test("a command that sends parameters gets the words it does not know", async () => {
  await run("send", "lobby", "display.power", "--on", "false", "--url", "http://127.0.0.1:1", "--json");
  expect(seen?.args).toEqual(["lobby", "display.power", "--on", "false"]);
  expect(seen?.options["url"]).toBe("http://127.0.0.1:1");
  await run("send", "lobby", "reboot", "--no-wait");
  expect(seen?.options["no-wait"]).toBe(true);
  expect(seen?.args).toEqual(["lobby", "reboot"]);
  await run("send", "lobby", "audio.mute", "--no-mute");
  expect(seen?.args).toEqual(["lobby", "audio.mute", "--no-mute"]);
});

test("help is success, nothing and nonsense are not", async () => {
  expect(await run("--help")).toMatchObject({ code: CLI_EXIT.ok, err: "" });
  expect((await run("status", "--help")).out).toContain("What it does.");
  expect(await run()).toMatchObject({ code: CLI_EXIT.usage });
  expect((await run("stauts")).err).toContain('did you mean "status"');
});

test("help of a command, in any order of the words, is success on standard output", async () => {
  for (const words of ["send --help", "help send", "status -h", "help status", "--help status", "send --help"]) {
    const answer = await run(...words.split(" "));
    expect([words, answer.code, answer.err, /Sends\.|What it does\./.test(answer.out)]).toEqual([words, CLI_EXIT.ok, "", true]);
  }
  expect(await run("help", "nonsense")).toMatchObject({ code: CLI_EXIT.usage, out: "" });
});

test("a name far from every other is not guessed", async () => {
  expect((await run("zzzzzz")).err).not.toContain("did you mean");
});

test("a word that a command does not take is refused", async () => {
  const extra = await run("status", "extra");
  expect(extra).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(extra.err).toContain('does not take "extra"');
  for (const words of ["logs extra", "config log.level extra"]) expect((await onDevice(...words.split(" "))).code).toBe(CLI_EXIT.usage);
});

test("cloud says where the development cloud's command line went, whatever follows it", async () => {
  for (const words of ["cloud", "cloud devices", "cloud send lobby display.power --on false", "cloud nonsense --url http://127.0.0.1:1"]) {
    const { code, out, err } = await onDevice(...words.split(" "));
    expect([words, code, out]).toEqual([words, CLI_EXIT.usage, ""]);
    expect(err).toContain("a command line of its own, which is not on a device [cli.moved]");
    expect(err).toContain("npm run cloud -- devices");
  }
  expect(JSON.parse((await onDevice("cloud", "devices", "--json")).out)).toMatchObject({ error: { code: "cli.moved" } });
});

test("a socket that may be somebody else's is not asked, with the code that says so and exit code 3", async () => {
  const { code, err } = await onDevice("status");
  expect(code).toBe(CLI_EXIT.unreachable);
  expect(err).toContain("[socket.untrusted-folder]");
});

/** The device's own commands, where the socket may be somebody else's. */
async function onDevice(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const cli = { call: "vitrine", commands: deviceCommands({ socketPath: () => fail("socket.untrusted-folder", "belongs to user 5", "remove it") }) };
  const code = await runCli(cli, words, { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
  return { code, out, err };
}
