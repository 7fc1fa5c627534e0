import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { SampleContent } from "./sample-content.ts";
import { SampleServer } from "./sample-server.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "vitrine-sample-server-"));
  writeFileSync(join(data, "index.html"), "menu");
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function make(): SampleServer {
  return new SampleServer({ sample: new SampleContent(data), data, log: silentLog });
}

test("the port stays the same after a restart, because devices keep the address", async () => {
  const first = make();
  const port = await first.listen("127.0.0.1");
  await first.close();
  const second = make();
  expect(await second.listen("127.0.0.1")).toBe(port);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("menu");
  await second.close();
});

test("a port taken by another program, or a damaged port file, does not prevent the start", async () => {
  const first = make();
  const port = await first.listen("127.0.0.1");
  await first.close();
  const other = createServer().listen(port, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const second = make();
  const another = await second.listen("127.0.0.1");
  expect(another).not.toBe(port);
  await second.close();
  await new Promise((resolve) => other.close(resolve));
  writeFileSync(join(data, "sample-port"), "99999999");
  const third = make();
  expect(await third.listen("127.0.0.1")).toBeGreaterThan(0);
  await third.close();
});
