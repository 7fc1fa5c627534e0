import { expect, test } from "vitest";
import { supplicantCheck } from "./machine-checks.ts";

const { signal } = new AbortController();
const there = (...paths: readonly string[]) => (path: string): Promise<void> => (paths.includes(path) ? Promise.resolve() : Promise.reject(new Error(`no ${path}`)));

test("where the agent sets the network, wpa_supplicant must be there", async () => {
  const status = async (sets: boolean, ...paths: readonly string[]) => supplicantCheck(() => sets, ["/usr/sbin/a", "/sbin/a"], there(...paths)).run(signal);
  expect(await status(true, "/sbin/a")).toMatchObject({ status: "ok", message: "/sbin/a" });
  expect(await status(true)).toMatchObject({ status: "warning", todo: "apt install wpasupplicant" });
  expect(await status(false)).toMatchObject({ status: "unsupported" });
});
