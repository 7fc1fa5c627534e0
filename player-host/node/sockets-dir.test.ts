import { expect, test } from "vitest";
import { socketsDir } from "./sockets-dir.ts";

test.each([
  [{}, "/data"],
  [{ VITRINE_SOCKETS_DIR: "" }, "/data"],
  [{ VITRINE_SOCKETS_DIR: "/run/vitrine" }, "/run/vitrine"],
])("%j", (env, folder) => {
  expect(socketsDir(env, "/data")).toBe(folder);
});
