import { chownSync, existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { reportLeftOut } from "../check/left-out.ts";
import { AGENT, whyNoOtherUsers } from "./testing/other-users.ts";
import { NAME, ProvisionBench, ProvisionPrograms, type Stepped } from "./testing/provision-bench.ts";

const cannot = whyNoOtherUsers();
if (cannot !== undefined) reportLeftOut("the step that takes the provisioning file from the boot partition", cannot);

/** In the order in which the step writes it. */
const CONTENT = JSON.stringify({ claimToken: "shop-12", deviceName: "x".repeat(600), network: { wifi: { ssid: "Shop", security: "wpa-psk", password: "very secret" } } });

let programs: ProvisionPrograms;
beforeAll(() => {
  programs = new ProvisionPrograms();
});
afterAll(() => programs.remove());

let bench: ProvisionBench;
beforeEach(() => {
  bench = new ProvisionBench(programs);
});
afterEach(() => bench.remove());

const at = (...names: readonly string[]): string => bench.at(...names);
const step = (path?: string): Stepped => bench.step(path === undefined ? {} : { path });
const put = (content: string, name?: string): void => bench.put(content, name);
const taken = (): string | undefined => bench.taken();
const boot = (): readonly string[] => bench.boot();
const problem = (): string => bench.problem();
const shims = (cut: number, names?: readonly string[]): string => bench.shims(cut, names);

test.skipIf(cannot !== undefined)("takes the file as the agent's user and leaves none of its text on the boot partition", () => {
  put(CONTENT);
  linkSync(at("boot", NAME), at("same-blocks"));
  expect(step()).toMatchObject({ code: 0 });
  expect(JSON.parse(taken() ?? "")).toEqual(JSON.parse(CONTENT));
  const stats = statSync(at("data", "vitrine-provision.json"));
  expect([stats.uid, stats.mode & 0o777]).toEqual([AGENT, 0o600]);
  expect([readdirSync(at("boot")), readdirSync(at("data"))]).toEqual([[], ["vitrine-provision.json"]]);
  expect(readFileSync(at("same-blocks")).every((byte) => byte === 0)).toBe(true);
});

test.skipIf(cannot !== undefined)("takes a second file later, also the same one, and one whose name Windows made longer", () => {
  for (const name of [NAME, NAME, `${NAME}.txt`]) {
    put(CONTENT, name);
    expect(step()).toMatchObject({ code: 0 });
    expect(JSON.parse(taken() ?? "")).toEqual(JSON.parse(CONTENT));
    expect(readdirSync(at("boot"))).toEqual([]);
    writeFileSync(at("data", "vitrine-provision.json"), "{}");
  }
  expect(step()).toEqual({ code: 0, said: "" });
});

test.skipIf(cannot !== undefined)("a power cut at any point loses nothing, and the next boot completes the step", () => {
  let cuts = 0;
  for (let cut = 1; ; cut += 1) {
    put(CONTENT);
    rmSync(at("data", "vitrine-provision.json"), { force: true });
    rmSync(at("data", "vitrine-provision.taken"), { force: true });
    const { code } = step(shims(cut));
    if (code === 0) break;
    cuts += 1;
    const places = [existsSync(at("boot", NAME)) ? readFileSync(at("boot", NAME), "utf8") : "", JSON.stringify(JSON.parse(taken() ?? "null"))];
    expect(places, `after cut ${cut}`).toContain(CONTENT);
    expect(step(), `after cut ${cut}`).toMatchObject({ code: 0 });
    expect(JSON.parse(taken() ?? "null"), `after cut ${cut}`).toEqual(JSON.parse(CONTENT));
    expect(readdirSync(at("boot")), `after cut ${cut}`).toEqual([]);
    expect(readdirSync(at("data")), `after cut ${cut}`).toEqual(["vitrine-provision.json"]);
  }
  // More than the programs that the step calls itself: the count would show that the shims were not used.
  expect(cuts).toBeGreaterThan(8);
}, 120_000);

test.skipIf(cannot !== undefined)("a file with a mistake stays, with the reason next to it in Windows line ends, until it is mended", () => {
  put('{\r\n  "deviceName": "Window",\r\n}\r\n');
  for (let boot = 0; boot < 2; boot += 1) {
    expect(step()).toMatchObject({ code: 1, said: expect.stringContaining("line 2, column 25") as string });
    expect(readdirSync(at("boot")).sort()).toEqual(["vitrine-problem.txt", NAME]);
    expect(readFileSync(at("boot", "vitrine-problem.txt"), "utf8")).toMatch(/line 2, column 25: there is a comma after the last entry\r\nWhat to do: remove this comma\.\r\n/);
  }
  expect(readdirSync(at("data"))).toEqual(["vitrine-provision.refused"]);
  put('{"deviceName": "Window"}');
  expect(step()).toMatchObject({ code: 0 });
  expect([readdirSync(at("boot")), readdirSync(at("data"))]).toEqual([[], ["vitrine-provision.json"]]);
});

test.skipIf(cannot !== undefined)("a data folder that takes no writes leaves the file where it is", () => {
  put(CONTENT);
  chownSync(at("data"), 0, 0);
  expect(step()).toMatchObject({ code: 1, said: expect.stringContaining("provisioning.not-taken") as string });
  expect(readFileSync(at("boot", NAME), "utf8")).toBe(CONTENT);
  expect(readdirSync(at("boot"))).toEqual([NAME]);
});

test.skipIf(cannot !== undefined)("of two files vitrine.json is taken; the other is set aside, named in the problem file, and never taken by a later boot", () => {
  put('{"deviceName": "First"}');
  put('{"deviceName": "Second"}', `${NAME}.txt`);
  expect(step()).toMatchObject({ code: 1, said: expect.stringContaining(`${NAME}.txt was not taken`) as string });
  for (let later = 0; later < 2; later += 1) {
    expect(JSON.parse(taken() ?? "")).toEqual({ deviceName: "First" });
    expect(boot()).toEqual(["vitrine-not-taken.txt", "vitrine-problem.txt"]);
    expect(readFileSync(at("boot", "vitrine-not-taken.txt"), "utf8")).toBe('{"deviceName": "Second"}');
    expect(problem()).toMatch(/^vitrine\.json\.txt was not taken: .*\r\nWhat to do: delete it, .*\r\n$/);
    expect(step()).toEqual({ code: 0, said: "" });
  }
  // Deleted in a computer: nothing is left to say.
  rmSync(at("boot", "vitrine-not-taken.txt"));
  expect([step().code, boot()]).toEqual([0, []]);
});

test.skipIf(cannot !== undefined)("a second file with the same content is removed with the first, and so is what macOS keeps beside it", () => {
  put(CONTENT);
  put(CONTENT, `${NAME}.txt`);
  writeFileSync(at("boot", `._${NAME}`), Buffer.from("00051607000200004d6163204f532058", "hex"));
  expect([step().code, boot()]).toEqual([0, []]);
});

test.skipIf(cannot !== undefined)("a power cut at any point with two files takes the first one, and only that", () => {
  const second = '{"deviceName": "Second"}';
  let cuts = 0;
  for (let cut = 1; ; cut += 1) {
    for (const name of boot()) rmSync(at("boot", name));
    for (const name of readdirSync(at("data"))) rmSync(at("data", name));
    put('{"deviceName": "First"}');
    put(second, `${NAME}.txt`);
    // The step ends with 1 by itself, and by a signal where it was cut. Only what changes a file matters here.
    if (step(shims(cut, ["setpriv", "dd", "rm", "mv"])).code === 1) break;
    cuts += 1;
    step();
    expect([cut, JSON.parse(taken() ?? "null")]).toEqual([cut, { deviceName: "First" }]);
    expect([cut, boot().includes(NAME), readFileSync(at("boot", "vitrine-not-taken.txt"), "utf8")]).toEqual([cut, false, second]);
  }
  expect(cuts).toBeGreaterThan(4);
}, 180_000);

test.skipIf(cannot !== undefined)("a file with a mistake is told with its place, what is allowed and an example; the second one is not taken in its stead", () => {
  put('{\r\n  "country": "Germany"\r\n}\r\n');
  put('{"deviceName": "Second"}', `${NAME}.txt`);
  for (let later = 0; later < 2; later += 1) {
    expect(step().code).toBe(1);
    expect(boot()).toEqual(["vitrine-problem.txt", NAME, `${NAME}.txt`]);
    expect(taken()).toBeUndefined();
    expect(problem()).toMatch(/line 2, column 3: country: must be .*two capital letters.*\r\nWhat to do: write it like this: "country": "DE"/);
    expect(problem()).toContain(`${NAME}.txt is not read, because `);
    expect(problem().replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  }
});

test.skipIf(cannot !== undefined).each(["VITRINE.JSON", "Vitrine.json.TXT"])("the case of the letters in %s does not matter", (name) => {
  put('{"deviceName": "Window"}', name);
  expect([step().code, boot(), JSON.parse(taken() ?? "null")]).toEqual([0, [], { deviceName: "Window" }]);
});

test.skipIf(cannot !== undefined).each([
  "vitrine.json.rtf", "vitrine.rtf", "vitrine.txt", "vitrine", "vitrine (1).json", "vitrine - Copy.json", "vitrine copy.json", "Copy of vitrine.json", "vitrine.json.docx", "vitrine.json.bak", "vitrine.json~", "vitrine.json.json", "vitrine2.json",
])("%s is not taken, but told in the problem file and to the agent, also beside a file that is", (name) => {
  put('{"deviceName": "Other"}', name);
  expect(step().code).toBe(1);
  expect([taken(), boot()]).toEqual([undefined, [name, "vitrine-problem.txt"].sort()]);
  expect(problem()).toContain(`${name} is not read`);
  expect(JSON.parse(readFileSync(at("data", "vitrine-provision.refused"), "utf8"))).toMatchObject({ code: "provisioning.misnamed", message: expect.stringContaining(name) as string });
  put('{"deviceName": "Window"}');
  expect([step().code, JSON.parse(taken() ?? "null"), boot()]).toEqual([1, { deviceName: "Window" }, [name, "vitrine-problem.txt"].sort()]);
  expect(problem()).toContain(`${name} is not read`);
  rmSync(at("boot", name));
  expect([step(), boot()]).toEqual([{ code: 0, said: "" }, []]);
});

test.skipIf(cannot !== undefined)("other files of the boot partition are left alone and not mentioned", () => {
  const others = ["._vitrine.json", ".DS_Store", "cmdline.txt", "config.txt", "vitrine-slot.txt", "vitrine.json.example", "vitrine_0.1.0_arm64.deb"];
  for (const name of others) put("{}", name);
  expect([step(), boot()]).toEqual([{ code: 0, said: "" }, [...others].sort()]);
});
