import type { ScreenReport } from "../../../protocol/reported.ts";
import type { PlayerLink } from "../../player/player-port.ts";
import type { Clock } from "../../../../platform/ports/clock.ts";
import type { DisplayStatus } from "../../../../platform/ports/display-properties.ts";
import type { Gpio } from "../../../../platform/ports/gpio.ts";
import type { Outputs } from "../../../../platform/ports/outputs.ts";
import { valueOf } from "../../../../platform/ports/reading.ts";
import { browserSupport } from "../../../../player-host/contract/supported-browsers.ts";
import { PLAYER_SILENT_MS } from "../../screen/screen-verdict.ts";
import type { ManagedDisplay } from "../../state/managed-display.ts";
import type { SharedReading } from "../../state/shared-reading.ts";
import { bad, good, unsupported, warning, type DiagnosticCheck } from "../diagnostic-check.ts";
import { unseen } from "./machine-checks.ts";
import { adviceFor } from "./picture-advice.ts";
import type { Issue } from "../../../../platform/ports/result.ts";

export function playerCheck(player: PlayerLink, clock: Clock): DiagnosticCheck {
  return {
    name: "player",
    run() {
      const status = player.status();
      if (status.kind === "absent") return Promise.resolve(bad(
        `no player is connected: ${status.why}`,
        "check that the player service runs (systemctl status vitrine-player) and its log",
      ));
      const silentMs = clock.monotonicMs() - status.heardMs;
      const who = `${status.shell}, process ${status.pid}`;
      if (silentMs > PLAYER_SILENT_MS) return Promise.resolve(warning(
        `${who} has been silent for ${Math.round(silentMs / 1000)} s`,
        "it may have hung: restart it with the restart-player command",
      ));
      if (status.stage.kind === "failed") return Promise.resolve(bad(
        `${who} cannot show its content: ${status.stage.error}`,
        adviceFor([status.stage.error], "check the content's address, and whether its server answers"),
      ));
      const files = status.picture.evidence.find(({ witness }) => witness === "files");
      if (files !== undefined) return Promise.resolve(warning(
        `${who}: ${status.stage.kind}, but ${files.says}`,
        "publish the content with these files; names are case-sensitive",
      ));
      return Promise.resolve(good(`${who}: ${status.stage.kind === "screen" ? `shows our ${status.stage.screen} page` : status.stage.kind}`));
    },
  };
}

/** The player host's own log, whose state it reports over its link. */
export function playerLogCheck(player: PlayerLink): DiagnosticCheck {
  return {
    name: "player log",
    run() {
      const status = player.status();
      if (status.kind === "absent") return Promise.resolve(warning("no player host is connected, so the state of its log is not known", "see the player check above"));
      if (status.logTrouble !== undefined) return Promise.resolve(bad(status.logTrouble, "free space on its disk, or check its folder's owner and mode"));
      return Promise.resolve(good("it is written"));
    },
  };
}

/** Which browser draws, why it was chosen, and whether it has shown a picture. */
export function browserCheck(player: PlayerLink): DiagnosticCheck {
  return {
    name: "browser",
    run() {
      const status = player.status();
      if (status.kind === "absent") return Promise.resolve(warning("no player host is connected, so its browser is not known", "see the player check above"));
      const { browser } = status;
      if (browser === undefined) return Promise.resolve(unsupported("the player host does not report its browser"));
      const { name, why, sandbox, picture, passedOver } = browser;
      const { support, sentence, todo } = browserSupport(name);
      const others = passedOver.map((other) => `; instead of ${other.name}: ${other.why}`).join("");
      const says = `${name} (${why})${sandbox ? "" : ", without its sandbox"}${others}`.slice(0, 1_500);
      if (picture.kind === "none") return Promise.resolve(bad(`${says}. It has shown no picture: ${picture.why}`, "run the browser by hand, or name another one"));
      if (support === "too-old") return Promise.resolve(bad(`${says}. ${sentence}`, todo ?? ""));
      if (!sandbox) return Promise.resolve(warning(says, "run the player as its own user: as root the browser has no sandbox"));
      if (passedOver.length > 0) return Promise.resolve(warning(says, "see why the others were passed over"));
      return Promise.resolve(good(sentence === undefined ? says : `${says}; ${sentence}`));
    },
  };
}

export function verdictCheck(current: () => ScreenReport | undefined): DiagnosticCheck {
  return {
    name: "picture",
    run() {
      const report = current();
      if (report === undefined) return Promise.resolve(warning("the screen has not been checked yet", "wait a moment and check again"));
      const says = `${report.verdict} (${Math.round(report.confidence * 100)} % sure): ${report.evidence.map(({ witness, says: text }) => `${witness} ${text}`).join("; ")}`.slice(0, 900);
      if (report.verdict === "showing" || report.verdict === "dark-expected") return Promise.resolve(good(says));
      return Promise.resolve(bad(says, adviceFor(report.evidence.map((one) => one.says), WHAT_TO_DO[report.verdict])));
    },
  };
}

const WHAT_TO_DO = {
  dark: "check the display's power and cable, and the schedule",
  frozen: "reload the player; if that does not help, restart it",
  "error-page": "check the content's address, and whether its server answers",
  blank: "the page loaded but shows nothing: check the content itself",
  unknown: "see the player check above",
} as const;

const DISPLAY_ADVICE = "check the cable, and that control over HDMI (CEC) or the network is enabled in the display's own menu";

/** One check per display; without a display, one that says so. */
export function displayChecks(displays: readonly ManagedDisplay[]): readonly DiagnosticCheck[] {
  if (displays.length === 0) return [displayCheck("display", undefined)];
  return displays.map(({ path, status }) => displayCheck(path, status));
}

/** Reads the display again unless its status is at most 1 s old. */
function displayCheck(name: string, status: SharedReading<DisplayStatus> | undefined): DiagnosticCheck {
  return {
    name,
    async run() {
      if (status === undefined) return unsupported("no display can be controlled from this device");
      const { power, input } = await status.get(1_000);
      if (power.kind === "ok") return good(`answers: ${power.value}${input.kind === "ok" ? `, input ${input.value}` : ""}`);
      if (power.kind === "unsupported") return unsupported("the display cannot report whether it is on");
      const why = power.kind === "unknown" ? power.why : `${power.error.message} (${power.error.code})`;
      return bad(`does not answer: ${why}`, (power.kind === "failed" ? power.error.hint : undefined) ?? DISPLAY_ADVICE);
    },
  };
}

export function outputsCheck(outputs: Outputs | undefined): DiagnosticCheck {
  return {
    name: "outputs",
    async run() {
      if (outputs === undefined) return unsupported("this machine does not report its video outputs");
      const all = await outputs.list();
      const connected = all.filter((output) => valueOf(output.connected) === true);
      const [first] = all;
      if (connected.length === 0) {
        if (first !== undefined && first.connected.kind !== "ok") return unseen(first.connected, "whether a display is connected");
        return bad("no display is connected", "plug in the display, and switch it on once so that it answers");
      }
      return good(connected.map((output) => describe(output.name, valueOf(output.edid)?.name, valueOf(output.mode))).join("; "));
    },
  };
}

/** All of what is configured or expected and cannot be used, since a part that is missing has no check of its own. */
export function hardwareCheck(issues: () => readonly Issue[]): DiagnosticCheck {
  return {
    name: "hardware",
    run() {
      const found = issues();
      if (found.length === 0) return Promise.resolve(good("everything that is configured could be opened"));
      return Promise.resolve(found.map(({ message, code, hint }) => bad(`${message} (${code})`, hint ?? "see docs/codes.md for this code")));
    },
  };
}

export function gpioCheck(gpio: Gpio | undefined): DiagnosticCheck {
  return {
    name: "gpio",
    async run() {
      if (gpio === undefined) return unsupported("this device has no general-purpose lines");
      // Reading a line that is not ours would claim it, so listing them has to do.
      const lines = await gpio.lines();
      if (!lines.ok) return bad(
        `the lines cannot be listed: ${lines.error.message} (${lines.error.code})`,
        lines.error.hint ?? "check that this user may open the GPIO device (group gpio)",
      );
      const held = lines.value.filter(({ consumer }) => consumer !== undefined).length;
      return good(`${lines.value.length} lines, ${held} held by others`);
    },
  };
}

function describe(
  name: string,
  display: string | undefined,
  mode: { readonly width: number; readonly height: number; readonly refreshHz: number } | undefined,
): string {
  return `${name}: ${display ?? "a display"}${mode === undefined ? "" : `, ${mode.width}×${mode.height} at ${Math.round(mode.refreshHz)} Hz`}`;
}
