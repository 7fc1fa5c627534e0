import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GuestShell } from "./guest-shell.ts";

let shell: GuestShell;
const machines: Socket[] = [];

beforeEach(async () => {
  shell = await GuestShell.listen();
});
afterEach(() => {
  shell.close();
  for (const machine of machines.splice(0)) machine.destroy();
});

/** A machine that has connected after a boot. */
async function bootedMachine(bootId: string): Promise<{ readonly socket: Socket; readonly scripts: Interface }> {
  const socket = connect(shell.port, "127.0.0.1");
  machines.push(socket);
  socket.write(`${bootId}\n`);
  const scripts = createInterface(socket);
  expect(await shell.booted(undefined, 5_000)).toBeDefined();
  return { socket, scripts };
}

test("a script gets its exit status and output", async () => {
  const { socket, scripts } = await bootedMachine("boot-1");
  scripts.once("line", (line) => {
    expect(Buffer.from(line, "base64").toString()).toBe("echo hello; exit 3");
    socket.write(`3 ${Buffer.from("hello\n").toString("base64")}\n`);
  });
  expect(await shell.run("echo hello; exit 3")).toEqual({ status: 3, output: "hello" });
});

test("a script that a reset cut off fails, although the machine has connected again before the old connection ended", async () => {
  const first = await bootedMachine("boot-1");
  const cutOff = shell.run("sleep infinity");
  await once(first.scripts, "line");
  const second = await bootedMachine("boot-2");
  expect(await shell.booted("boot-1", 5_000)).toBe("boot-2");
  first.socket.destroy();
  await expect(cutOff).rejects.toThrow("gave no answer");
  second.scripts.once("line", () => second.socket.write(`0 ${Buffer.from("here").toString("base64")}\n`));
  expect(await shell.run("echo here")).toEqual({ status: 0, output: "here" });
});
