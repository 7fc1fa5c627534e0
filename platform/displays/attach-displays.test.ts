import { describe, expect, test } from "vitest";
import { displayConformance } from "../ports/display.conformance.ts";
import { virtualBenchTime } from "../ports/testing/bench.ts";
import { SeededRandom } from "../simulated/seeded-random.ts";
import { createSimulatedAdapter } from "../simulated/simulated-adapter.ts";
import { simulatedDrivers } from "../simulated/simulated-drivers.ts";
import { VirtualTime } from "../simulated/virtual-time.ts";
import { SimulatedWorld } from "../simulated/world.ts";
import { attachDisplays } from "./attach-displays.ts";
import { DISPLAY_DRIVERS, type DriverTable } from "./drivers.ts";

async function attach(text: string, drivers: DriverTable = {}) {
  const time = new VirtualTime();
  const world = new SimulatedWorld({ clock: time, timers: time, random: new SeededRandom("attach") });
  const { cec, outputs } = createSimulatedAdapter(world, { clock: time, timers: time, onMachineGone: () => {} });
  if (cec === undefined || outputs === undefined) throw new Error("the simulated machine has every port");
  return { time, world, ...(await attachDisplays(text, { clock: time, timers: time, cec, outputs, drivers: { ...DISPLAY_DRIVERS, ...simulatedDrivers(world), ...drivers } })) };
}

displayConformance(
  "configured with the driver `simulated`",
  async () => {
    const { time, displays, close } = await attach("name=menu,driver=simulated");
    const [menu] = displays;
    if (menu === undefined) throw new Error("it is configured");
    return { display: menu.display, time: virtualBenchTime(time), close };
  },
  { moods: false, obedient: true },
);

describe("configured displays", () => {
  test("are opened in order, each with its driver and its output", async () => {
    const { displays, issues, time } = await attach(" name=lobby, driver=cec, output=HDMI-A-1 ; name=menu,driver=simulated,connection=tcp://192.0.2.7:1515?a=b,output=HDMI-A-2,set=3;");
    expect(issues).toEqual([]);
    expect(displays).toMatchObject([
      { name: "lobby", driver: "cec", output: "HDMI-A-1" },
      { name: "menu", driver: "simulated", connection: "tcp://192.0.2.7:1515?a=b", output: "HDMI-A-2", setId: 3 },
    ]);
    expect(await time.settled(displays[0]?.display.set("power", "standby") ?? Promise.reject(new Error("none")))).toMatchObject({ observed: { value: "standby" } });
    expect(await displays[1]?.display.status()).toMatchObject({ power: { kind: "ok", value: "on" } });
  });

  test.each([
    ["driver=cec", "display.config-malformed"],
    ["name=a", "display.config-malformed"],
    ["name=Lobby,driver=cec", "display.config-malformed"],
    ["name=a-very-long-name-for-a-display,driver=cec", "display.config-malformed"],
    ["name=a,driver=cec,colour=red", "display.config-malformed"],
    ["name=a,name=b,driver=cec", "display.config-malformed"],
    ["name=a,driver=cec,output=", "display.config-malformed"],
    ["name=a,driver=cec,set=0", "display.config-malformed"],
    ["name=a,driver=cec,set=256", "display.config-malformed"],
    ["nonsense", "display.config-malformed"],
    ["name=a,driver=smoke-signals", "display.unknown-driver"],
    ["name=a,driver=__proto__", "display.unknown-driver"],
    ["name=a,driver=cec,output=DP-9", "display.no-such-output"],
    ["name=a,driver=throws", "display.driver-failed"],
  ])("%s is refused with %s but keeps its place, and the next one works", async (entry, code) => {
    const { displays, issues, close } = await attach(`${entry};name=next,driver=simulated`, { throws: () => Promise.reject(new Error("a bug")) });
    expect(issues).toEqual([expect.objectContaining({ code })]);
    expect(displays.map(({ name }) => name)).toEqual([entry.startsWith("name=a,") && code !== "display.config-malformed" ? "a" : "display-1", "next"]);
    const [refused, next] = displays;
    expect((await refused?.display.status())?.power).toMatchObject({ kind: "failed", error: { code } });
    expect(await refused?.display.set("power", "on")).toMatchObject({ attempted: false, error: { code: "display.unsupported" } });
    expect(refused?.display.capabilities).toMatchObject({ settable: {}, powerObservedBy: "nothing" });
    expect(await next?.display.set("power", "standby")).toMatchObject({ observed: { value: "standby" } });
    await close();
  });

  test("that need HDMI-CEC are refused on a machine without it", async () => {
    const time = new VirtualTime();
    const { issues } = await attachDisplays("name=a,driver=cec", { clock: time, timers: time, drivers: DISPLAY_DRIVERS });
    expect(issues).toMatchObject([{ code: "display.driver-unavailable" }]);
  });

  test("with a repeated name are left out, as are those beyond the limit", async () => {
    const many = Array.from({ length: 34 }, (_none, index) => `name=d${index},driver=simulated`);
    const { displays, issues } = await attach(["name=d1,driver=simulated", ...many].join(";"));
    expect(displays).toHaveLength(31);
    expect(issues.map(({ code }) => code)).toEqual(["display.name-taken", "display.too-many"]);
  });

  test("need their own set-ID on a shared connection, but not on separate ones", async () => {
    const wall = ["name=a,driver=simulated,connection=x,set=1", "name=b,driver=simulated,connection=x,set=1", "name=c,driver=simulated,connection=y,set=1", "name=d,driver=simulated,connection=x,set=2"];
    const { displays, issues } = await attach(wall.join(";"));
    expect(issues).toMatchObject([{ code: "display.set-id-taken", message: "b has the set-ID 1 of a on the same connection" }]);
    expect(displays.map(({ display }) => display.capabilities.powerObservedBy)).toEqual(["panel", "nothing", "panel", "panel"]);
  });

  test("close every opened connection at the end", async () => {
    const closed: string[] = [];
    const { close } = await attach("name=a,driver=wire;name=b,driver=wire;name=c,driver=none", {
      wire: () => Promise.resolve(({ name }) => Promise.resolve({ ok: true, value: { driver: { questions: [], orders: {}, powerObservedBy: "nothing" }, close: () => Promise.resolve(void closed.push(name)) } })),
    });
    await close();
    expect(closed).toEqual(["a", "b"]);
  });
});
