import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { SystemTimers, systemClock } from "../../platform/linux/system-clock.ts";
import { systemRandom } from "../../platform/linux/system-random.ts";
import { fail, messageOf, ok, type Issue, type Result } from "../tool-result.ts";
import type { PassedOver } from "../../player-host/contract/browser-report.ts";
import { PROOF, type BrowserProofLimits } from "../../player-host/contract/browser-trial.ts";
import { browserSupport } from "../../player-host/contract/supported-browsers.ts";
import { buildApart } from "../build/build-apart.ts";
import { browserCandidates, findForced, noBrowser, type FindOptions } from "../setup/find-browser.ts";
import type { FoundBrowser } from "../setup/found-browser.ts";
import { thisMachine } from "../setup/machine.ts";
import { BrowserChoice, nameOf, type ChoiceMemory } from "./browser-choice.ts";
import { Launcher } from "./launcher.ts";
import { HELP, parseOptions, type StartOptions } from "./options.ts";
import { checkPort, takeDataFolder } from "./prepare.ts";
import { deviceFolder, NEEDED_ENTRIES, PLAYER_ENTRY, type Place } from "./programs.ts";
import { Room } from "./room.ts";
import { stopSignals } from "./stop-signals.ts";

/**
 * `npm start`: sets up, runs until asked to stop, stops everything. `root` has the sources and receives `dist/`. Returns the
 * exit code: 0 stopped, 1 could not run (the reason was printed), 2 wrong options.
 */
export async function start(args: readonly string[], root: string, limits: BrowserProofLimits = PROOF): Promise<number> {
  const options = parseOptions(args);
  if (!options.ok) return complain(options.error, 2);
  if (options.value === undefined) {
    console.log(HELP);
    return 0;
  }
  const data = dataFolder(options.value, root);
  const taken = takeDataFolder(data);
  if (!taken.ok) return complain(taken.error);
  try {
    const ready = await prepare(options.value, data, root);
    return ready.ok ? await runRoom(ready.value, options.value.devices, limits) : complain(ready.error);
  } finally {
    taken.value();
  }
}

interface Ready {
  readonly place: Place;
  readonly choice: BrowserChoice;
}

async function prepare(options: StartOptions, data: string, root: string): Promise<Result<Ready>> {
  const port = await checkPort(options.port);
  if (!port.ok) return port;
  const choice = await chooseBrowser(options, data, root);
  if (!choice.ok) return choice;
  const { browser, passedOver } = choice.value.current;
  for (const { name, why } of passedOver) say(`Not ${name}: ${why}`);
  say(`Browser: ${nameOf(browser)} at ${browser.path} (${browser.evidence})`);
  const { support, sentence, todo } = browserSupport(nameOf(browser));
  if (support === "too-old") say(`${sentence}: ${todo}.`);
  const built = await makePrograms(root, [...NEEDED_ENTRIES, PLAYER_ENTRY[browser.kind]]);
  if (!built.ok) return built;
  const headless = options.headless || hasNoScreen();
  if (headless && !options.headless) say("No display here: the players run headless, and their pictures are in the dashboard.");
  return ok({ place: { root, data, port: options.port, headless, pair: options.pair, isRoot: thisMachine.isRoot }, choice: choice.value });
}

async function chooseBrowser(options: StartOptions, data: string, root: string): Promise<Result<BrowserChoice>> {
  const find: FindOptions = { root, install: true, machine: thisMachine };
  const passedOver: PassedOver[] = [];
  const deps = { passedOver, memory: memoryIn(data), nowMs: () => systemClock.wallMs(), say };
  if (options.browser !== undefined) {
    const wanted = /[/\\]/.test(options.browser) ? resolve(process.env["INIT_CWD"] ?? process.cwd(), options.browser) : options.browser;
    const found = await findForced(wanted, find);
    if (!found.ok) return found;
    const choice = await BrowserChoice.open({ ...deps, candidates: only(found.value), forced: true });
    return choice === undefined ? noBrowser(thisMachine) : ok(choice);
  }
  const candidates = browserCandidates(find, (what) => passedOver.push(what));
  const choice = await BrowserChoice.open({ ...deps, candidates, forced: false });
  if (choice !== undefined) return ok(choice);
  // VITRINE_BROWSER names one that does not work, or there is no browser at all.
  const named = passedOver.find(({ name }) => name === "VITRINE_BROWSER");
  return named === undefined ? noBrowser(thisMachine) : fail("browser.not-usable", named.why);
}

async function* only(browser: FoundBrowser): AsyncGenerator<FoundBrowser, void, undefined> {
  yield await Promise.resolve(browser);
}

/** Kept in the data folder, next to the devices. */
function memoryIn(data: string): ChoiceMemory {
  const file = join(data, "browsers.json");
  return {
    read: () => {
      try {
        return readFileSync(file, "utf8");
      } catch {
        // No browser has failed yet.
        return undefined;
      }
    },
    write: (text) => {
      try {
        writeFileSync(file, text);
      } catch (thrown) {
        say(`The record of browser failures could not be saved: ${messageOf(thrown)}`);
      }
    },
  };
}

async function makePrograms(root: string, needed: readonly string[]): Promise<Result<void>> {
  try {
    const { fresh, missing } = await buildApart(root);
    if (!fresh) say("Programs built.");
    const gone = needed.filter((entry) => missing.includes(entry));
    return gone.length === 0 ? ok(undefined) : fail("start.incomplete", `This tree is not complete: ${gone.join(", ")} is missing.`, "Use a complete clone.");
  } catch (thrown) {
    // esbuild has already printed the place of the error.
    return fail("start.build", `The programs could not be built: ${messageOf(thrown)}`);
  }
}

async function runRoom({ place, choice }: Ready, devices: number, limits: BrowserProofLimits): Promise<number> {
  const timers = new SystemTimers();
  const launcher = new Launcher(timers);
  const stop = new AbortController();
  listenForStop(stop, launcher);
  const room = new Room(place, launcher, { clock: systemClock, timers, random: systemRandom, say, choice, limits });
  const onReady = (): void => {
    say(`\nDashboard: http://127.0.0.1:${place.port}/\nData: ${place.data}    Ctrl-C stops everything.\n${reachedBy(place)}\n`);
  };
  const ended = await room.run(devices, onReady, stop.signal);
  launcher.close();
  if (!ended.ok) return complain(ended.error);
  say("Everything has stopped.");
  return 0;
}

function listenForStop(stop: AbortController, launcher: Launcher): void {
  const onSignal = stopSignals({
    clock: systemClock,
    stop: () => {
      say("\nStopping …");
      stop.abort();
    },
    force: () => launcher.killAll(),
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  // The bootstrap that started us was killed.
  process.on("disconnect", onSignal);
  process.channel?.unref();
}

/** Default: `.vitrine` in the tree. A given path is relative to the caller's working folder. */
function dataFolder({ data }: StartOptions, root: string): string {
  return data === undefined ? join(root, ".vitrine") : resolve(process.env["INIT_CWD"] ?? process.cwd(), data);
}

function hasNoScreen(): boolean {
  const { platform, env } = thisMachine;
  return platform === "linux" && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"];
}

function complain(issue: Issue, code = 1): number {
  console.error(`${issue.message}${issue.hint === undefined ? "" : `\n${issue.hint}`}`);
  return code;
}

function say(line: string): void {
  console.log(line);
}

/** Options that the command line needs to reach this cloud, where its defaults do not. */
function reachedBy(place: Place): string {
  const cloud = place.port === 4600 ? "" : ` --url http://127.0.0.1:${place.port}`;
  return `Command line: npm run vitrine -- status --data ${deviceFolder(place, "1")}\n              npm run cloud -- devices${cloud}`;
}
