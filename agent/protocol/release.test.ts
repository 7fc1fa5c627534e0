import { expect, test } from "vitest";
import { artefactsFor, compareVersions, readManifest } from "./release.ts";

test("versions are ordered by their numbers, and a version with a suffix comes before the one without", () => {
  const ordered = ["0.9.10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"];
  for (const [at, version] of ordered.entries()) {
    expect(compareVersions(version, version)).toBe(0);
    for (const later of ordered.slice(at + 1)) {
      expect([version, later, compareVersions(version, later) < 0, compareVersions(later, version) > 0]).toEqual([version, later, true, true]);
    }
  }
});

const artefact = { url: "https://releases.example/v.deb", bytes: 10, sha256: "0".repeat(64) };

test("a manifest names one package for each architecture, and an absent one is told", () => {
  const manifest = readManifest(JSON.stringify({ manifest: 1, version: "1.2.3", packages: { arm64: artefact } }));
  if (!manifest.ok) throw new Error(manifest.error.message);
  expect(artefactsFor(manifest.value, "arm64")).toEqual({ ok: true, value: { package: artefact } });
  expect(artefactsFor(manifest.value, "amd64")).toMatchObject({ ok: false, error: { code: "update.wrong-machine", hint: "it has arm64" } });
});

test.each([
  ["a version that is a path", { version: "../1.0.0" }],
  ["a version with a slash in its suffix", { version: "1.0.0-a/b" }],
  ["an unknown format", { manifest: 2 }],
  ["a field that only a newer device would understand", { delta: true }],
  ["a file without its hash", { packages: { arm64: { url: artefact.url, bytes: 1 } } }],
  ["a browser whose version is a path", { browsers: { arm64: { ...artefact, version: "../x" } } }],
])("%s is refused: it would be installed otherwise than meant", (_what, change) => {
  expect(readManifest(JSON.stringify({ manifest: 1, version: "1.2.3", packages: { arm64: artefact }, ...change }))).toMatchObject({ ok: false, error: { code: "update.bad-manifest" } });
});
