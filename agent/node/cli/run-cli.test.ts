import { expect, test } from "vitest";
import { fail } from "../../../platform/ports/result.ts";
import { VirtualTime } from "../../../platform/simulated/virtual-time.ts";
import { cloudCommands } from "./cloud-commands.ts";
import { CLI_EXIT, type CliCommand, type CliContext } from "./command.ts";
import { deviceCommands } from "./device-commands.ts";
import { runCli } from "./run-cli.ts";

let seen: CliContext | undefined;
const commands: readonly CliCommand[] = [
  { name: "status", summary: "What it does.", usage: "[--data DIR]", options: { data: { type: "string" } }, run: take },
  { name: "cloud send", summary: "Sends.", usage: "<device> <command>", options: { url: { type: "string" }, "no-wait": { type: "boolean" } }, freeOptions: true, run: take },
];
function take(context: CliContext): Promise<0> {
  seen = context;
  return Promise.resolve(CLI_EXIT.ok);
}

async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  seen = undefined;
  let out = "";
  let err = "";
  const code = await runCli(commands, words, { out: (text) => (out += text), err: (text) => (err += text) }, new AbortController().signal);
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
  await run("cloud", "send", "lobby", "display.power", "--on", "false", "--url", "http://127.0.0.1:1", "--json");
  expect(seen?.args).toEqual(["lobby", "display.power", "--on", "false"]);
  expect(seen?.options["url"]).toBe("http://127.0.0.1:1");
  await run("cloud", "send", "lobby", "reboot", "--no-wait");
  expect(seen?.options["no-wait"]).toBe(true);
  expect(seen?.args).toEqual(["lobby", "reboot"]);
  await run("cloud", "send", "lobby", "audio.mute", "--no-mute");
  expect(seen?.args).toEqual(["lobby", "audio.mute", "--no-mute"]);
});

test("help is success, nothing and nonsense are not", async () => {
  expect(await run("--help")).toMatchObject({ code: CLI_EXIT.ok, err: "" });
  expect((await run("status", "--help")).out).toContain("What it does.");
  expect(await run()).toMatchObject({ code: CLI_EXIT.usage });
  expect((await run("stauts")).err).toContain('did you mean "status"');
  expect((await run("cloud", "sned")).err).toContain('did you mean "cloud send"');
});

test("help of a group and of what is in it, in any order of the words, is success on standard output", async () => {
  for (const words of ["cloud --help", "cloud -h", "cloud help", "help cloud", "--help cloud"]) {
    const answer = await run(...words.split(" "));
    expect([words, answer.code, answer.err, answer.out.includes("vitrine cloud send"), answer.out.includes("vitrine status")]).toEqual([words, CLI_EXIT.ok, "", true, false]);
  }
  for (const words of ["cloud send --help", "help cloud send", "status -h", "help status", "--help status", "cloud help send"]) {
    const answer = await run(...words.split(" "));
    expect([words, answer.code, answer.err, /Sends\.|What it does\./.test(answer.out)]).toEqual([words, CLI_EXIT.ok, "", true]);
  }
  expect(await run("cloud")).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(await run("help", "nonsense")).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(await run("cloud", "nonsense", "--help")).toMatchObject({ code: CLI_EXIT.usage, out: "" });
});

test("a name far from every other is not guessed", async () => {
  expect((await run("zzzzzz")).err).not.toContain("did you mean");
});

test("a word that a command does not take is refused", async () => {
  const extra = await run("status", "extra");
  expect(extra).toMatchObject({ code: CLI_EXIT.usage, out: "" });
  expect(extra.err).toContain('does not take "extra"');
  const real = [...deviceCommands({ socketPath: () => fail("local.no-agent", "there is none") }), ...cloudCommands({}, new VirtualTime())];
  for (const words of ["logs extra", "cloud devices extra", "config log.level extra", "cloud claim CODE extra", "cloud watch lobby extra"]) {
    expect(await runCli(real, words.split(" "), { out: () => undefined, err: () => undefined }, new AbortController().signal)).toBe(CLI_EXIT.usage);
  }
});

test("a socket that may be somebody else's is not asked, with the code that says so and exit code 3", async () => {
  const untrusted = deviceCommands({ socketPath: () => fail("socket.untrusted-folder", "belongs to user 5", "remove it") });
  let err = "";
  const output = { out: () => undefined, err: (text: string) => (err += text) };
  expect(await runCli(untrusted, ["status"], output, new AbortController().signal)).toBe(CLI_EXIT.unreachable);
  expect(err).toContain("[socket.untrusted-folder]");
});

test("what is no address of a cloud is a wrong word; a cloud that is not there is unreachable, and the reason is named", async () => {
  const ask = async (url: string): Promise<{ code: number; err: string }> => {
    let err = "";
    const output = { out: () => undefined, err: (text: string) => (err += text) };
    const code = await runCli(cloudCommands({}, new VirtualTime()), ["cloud", "devices", "--url", url], output, new AbortController().signal);
    return { code, err };
  };
  expect(await ask("nonsense")).toEqual({ code: CLI_EXIT.usage, err: expect.stringContaining('"nonsense" is not the address of a cloud [cloud.bad-address]') as string });
  // A port that browsers and fetch refuse: nothing has to be there, or be absent.
  expect(await ask("http://127.0.0.1:1")).toEqual({ code: CLI_EXIT.unreachable, err: expect.stringContaining("http://127.0.0.1:1 cannot be reached: bad port [cloud.unreachable]") as string });
});
