import { expect, test } from "vitest";
import { playerSocketPath, SOCKET_PATH_BYTES_MAX } from "./socket-path.ts";

const place = (dataDir: string) => playerSocketPath({ dataDir, tmpDir: "/tmp", dataDirSha256Hex: "0123456789abcdef".repeat(4) });

test("the socket is in the data folder if the kernel accepts a path of that length", () => {
  expect(place("/var/lib/vitrine")).toEqual({ folder: "/var/lib/vitrine/run", path: "/var/lib/vitrine/run/player.sock" });
});

test("the socket is in a folder named by a hash if the path has more than 100 bytes of UTF-8", () => {
  const longest = `/${"x".repeat(SOCKET_PATH_BYTES_MAX - "/run/player.sock".length - 1)}`;
  expect(place(longest).path).toHaveLength(SOCKET_PATH_BYTES_MAX);
  const moved = { folder: "/tmp/vitrine-0123456789ab", path: "/tmp/vitrine-0123456789ab/player.sock" };
  expect(place(`${longest}x`)).toEqual(moved);
  expect(place(`/${"ü".repeat(45)}`)).toEqual(moved);
});
