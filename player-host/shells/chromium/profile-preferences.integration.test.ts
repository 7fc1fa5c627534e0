import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../../platform/ports/log.ts";
import { lockPreferences } from "./profile-preferences.ts";

describe("the preferences of a kiosk's profile", () => {
  let folder: string;
  let preferences: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitrine-preferences-"));
    preferences = join(folder, "Default", "Preferences");
  });
  afterEach(async () => {
    await chmod(join(folder, "Default"), 0o700);
    await rm(folder, { recursive: true, force: true });
  });

  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, "utf8"));

  test("are written before the browser's first start", async () => {
    await lockPreferences(folder, silentLog);
    expect(await read(preferences)).toMatchObject({ printing: { enabled: false }, settings: { a11y: { caretbrowsing: { show_dialog: false } } } });
    expect(await read(join(folder, "Local State"))).toMatchObject({ select_file_dialogs: { allowed: false } });
    expect((await readdir(folder)).toSorted()).toEqual(["Default", "Local State"]);
  });

  test("override existing ones and leave everything else", async () => {
    await mkdir(join(folder, "Default"));
    await writeFile(preferences, JSON.stringify({ printing: { enabled: true, last: "a" }, profile: { name: "kept" }, policy: null }));
    await lockPreferences(folder, silentLog);
    expect(await read(preferences)).toMatchObject({ printing: { enabled: false, last: "a" }, profile: { name: "kept" }, policy: { url_blocklist: expect.arrayContaining(["chrome://*"]) as string[] } });
  });

  test("are rewritten over a file that a power cut left incomplete", async () => {
    await mkdir(join(folder, "Default"));
    await writeFile(preferences, `{"printing": {"ena`);
    await lockPreferences(folder, silentLog);
    expect(await read(preferences)).toMatchObject({ printing: { enabled: false } });
  });

  test("never disable the developer tools, because that would also refuse the debugging pipe", async () => {
    await lockPreferences(folder, silentLog);
    expect(await read(preferences)).not.toHaveProperty("devtools");
  });
});
