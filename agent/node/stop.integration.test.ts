import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { socketPlaceOf } from "../../platform/node/socket-folder.ts";
import { silentLog } from "../../platform/ports/log.ts";
import { socketPath } from "../../player-host/contract/socket-path.ts";
import { startDevCloud, type DevCloud } from "../../scripts/dev-cloud/dev-cloud.ts";
import type { StatusAnswer } from "./local-api/answers.ts";
import { askAgent } from "./local-api/local-client.ts";

let data: string;
let cloud: DevCloud;
let agent: ChildProcess | undefined;
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "vitrine-stop-"));
  cloud = await startDevCloud({ port: 0, host: "127.0.0.1", data: join(data, "cloud"), autoClaim: true, claimTokens: [], survives: "process" }, silentLog, "test");
});
afterEach(async () => {
  if (agent?.exitCode === null && agent.signalCode === null) agent.kill("SIGKILL");
  await cloud.stop();
  rmSync(data, { recursive: true, force: true });
});

test("an agent that is stopped says goodbye to the cloud and ends with 0", async () => {
  const endpoint = `${cloud.base.replace(/^http/, "ws")}/device/v1`;
  agent = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "--data", join(data, "device"), "--platform", "simulated", "--cloud-endpoints", endpoint], { stdio: "ignore" });
  const link = () => cloud.cloud.context.store.devices()[0]?.link;
  // The agent's own view: the cloud calls it online a moment before the session is open.
  const isOnline = async (): Promise<unknown> => {
    const answer = await askAgent(socketPath("agent.sock", socketPlaceOf(join(data, "device"))).path, "status", {}, 5_000);
    return answer.ok ? (answer.value as StatusAnswer).link.kind : answer.error.code;
  };
  await expect.poll(isOnline, { timeout: 40_000 }).toBe("online");
  agent.kill("SIGTERM");
  expect(await once(agent, "exit")).toEqual([0, null]);
  await expect.poll(link).toMatchObject({ state: "offline", reason: "bye.stopping" });
}, 60_000);
