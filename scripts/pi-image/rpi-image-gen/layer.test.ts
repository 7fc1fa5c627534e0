import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RECOMMENDS } from "../../package/control.ts";
import { debianPackages } from "../image-packages.ts";

const LAYER = readFileSync(join(import.meta.dirname, "layer/vitrine.yaml"), "utf8");
const CONFIG = readFileSync(join(import.meta.dirname, "config/vitrine-ab.yaml"), "utf8");
/** The header's fields, with their continuation lines. */
const header = new Map([...(/# METABEGIN\n([\s\S]*?)# METAEND/.exec(LAYER)?.[1] ?? "").matchAll(/^# (X-Env-[\w-]+):(.*(?:\n# {2}.*)*)/gm)].map(([, name = "", value = ""]) => [name, value.replaceAll(/\n# {2}/g, " ").trim()]));
const body = LAYER.slice(LAYER.indexOf("\n---\n") + 5);

describe("the layer for rpi-image-gen", () => {
  test("its header has the fields that a layer needs, in their form", () => {
    expect(header.get("X-Env-Layer-Name")).toBe("vitrine");
    expect(header.get("X-Env-Layer-Version")).toMatch(/^\d+\.\d+\.\d+$/);
    for (const name of ["X-Env-Layer-Desc", "X-Env-Layer-Category", "X-Env-VarPrefix"]) expect(header.get(name), name).toMatch(/\S/);
    expect(header.get("X-Env-Layer-Requires")?.split(",")).toEqual(["network-manager", "systemd-timesyncd"]);
  });

  test("every variable that its hooks use is declared with the layer's prefix, and the other way round", () => {
    const used = new Set([...body.matchAll(/IGconf_(\w+)/g)].map(([, name]) => name));
    const declared = [...header.keys()].flatMap((name) => (/^X-Env-Var-([a-z0-9_]+)$/.test(name) ? [`vitrine_${name.slice("X-Env-Var-".length)}`] : []));
    expect([...used]).toEqual(declared);
    for (const name of declared) for (const field of ["Desc", "Required", "Valid", "Set"]) expect(header.has(`X-Env-Var-${name.slice("vitrine_".length)}-${field}`), `${name} ${field}`).toBe(true);
  });

  test("its body has the two lists that mmdebstrap gets, and its packages are those of the card image", () => {
    expect(body.startsWith("mmdebstrap:\n  packages:\n")).toBe(true);
    const packages = [...body.slice(0, body.indexOf("customize-hooks:")).matchAll(/^ {4}- (\S+)$/gm)].map(([, name = ""]) => name);
    expect([...packages].sort()).toEqual(packages);
    expect(packages.length).toBeGreaterThan(5);
    const image = debianPackages({ release: "trixie", sshKeyPath: undefined, withoutBrowser: false });
    expect(packages.filter((name) => !image.includes(name))).toEqual([]);
    // What the screen needs and the image has is in the layer too.
    const screen = image.filter((name) => !debianPackages({ release: "trixie", sshKeyPath: undefined, withoutBrowser: true }).includes(name));
    expect(screen.length).toBeGreaterThan(5);
    expect(screen.filter((name) => !packages.includes(name) && name !== "libgl1-mesa-dri")).toEqual([]);
  });

  test("it has all that the package recommends, because mmdebstrap installs nothing that is only recommended", () => {
    const base = header.get("X-Env-Layer-Requires")?.split(",") ?? [];
    const has = (name: string): boolean => base.includes(name) || body.includes(`\n    - ${name}\n`);
    expect(RECOMMENDS.filter((each) => !each.split(" | ").some(has))).toEqual([]);
  });

  test("the example names the layer and its own base, and makes room for a browser in each slot", () => {
    expect(CONFIG).toContain("file: trixie-minbase-ab.yaml");
    expect(CONFIG).toMatch(/^ {2}app: vitrine$/m);
    expect(Number(/system_part_size: (\d+)G/.exec(CONFIG)?.[1])).toBeGreaterThanOrEqual(3);
  });
});
