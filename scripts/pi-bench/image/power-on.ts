import { median } from "../../bench/harness/statistics.ts";
import type { Figure } from "../figures.ts";
import { BENCH_PAGE, isBenchPage } from "./bench-page.ts";
import { EmulatedImage, type ImageOptions } from "./emulated-image.ts";

const PAIRS = 2;
const LOOK_MS = 500;
const PICTURE_MS_MAX = 20 * 60_000;

/** The same compositor, browser and user as the player's unit, and nothing of ours. */
const KIOSK_UNIT = `[Unit]
After=systemd-user-sessions.service
Conflicts=getty@tty7.service
[Service]
User=vitrine-player
SupplementaryGroups=video render audio input
PAMName=login
TTYPath=/dev/tty7
ExecStartPre=+/usr/bin/busctl call org.freedesktop.login1 /org/freedesktop/login1/seat/seat0 org.freedesktop.login1.Seat SwitchTo u 7
StandardInput=tty-fail
StandardOutput=journal
StandardError=journal
Environment=WLR_RENDERER=pixman
Environment=WLR_LIBINPUT_NO_DEVICES=1
StateDirectory=kiosk
ExecStart=/usr/bin/labwc -S "/usr/bin/chromium --kiosk --no-first-run --user-data-dir=/var/lib/kiosk/profile file:///usr/share/kiosk/index.html"
[Install]
WantedBy=multi-user.target
`;

/** The same image on another card, with plain `chromium --kiosk` in place of our units. It has shown the page once, and is switched off. */
export async function preparePlain(options: ImageOptions): Promise<EmulatedImage> {
  const { cloudPort: _, ...rest } = options;
  const plain = await EmulatedImage.open({ ...rest, consolePath: `${options.consolePath}.plain` });
  await plain.boot();
  await plain.read(KIOSK_SETUP);
  await plain.until("plain Chromium shows the page", async () => ((await showsPage(plain)) ? true : undefined));
  await plain.shutDown();
  return plain;
}

/**
 * From power on to the first right picture on the screen, seen by the emulator: the card that has shown the page before, beside plain Chromium,
 * by turns. Each boot starts from the same state of its card. Both machines are off.
 */
export async function powerOn(pi: EmulatedImage, plain: EmulatedImage): Promise<Figure> {
  const own: number[] = [];
  const theirs: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    own.push(await untilPicture(pi));
    theirs.push(await untilPicture(plain));
    console.log(`    power on to the first right picture: ${seconds(own.at(-1))}, plain Chromium ${seconds(theirs.at(-1))}`);
  }
  const [value, peerValue] = [median(own) / 1_000, median(theirs) / 1_000];
  return { name: `power on to the first right picture, median of ${PAIRS}`, value, unit: "s", peer: "the same image with plain chromium --kiosk from a unit", peerValue, ratio: value / peerValue, target: 1.2 };
}

/** Our policy for the browser goes too: it blocks files and the full screen. */
const KIOSK_SETUP = `set -e
systemctl mask --quiet --now vitrine-agent.service vitrine-player.service vitrine-updater.socket vitrine-updater.path
rm /etc/chromium/policies/managed/vitrine.json
mkdir -p /usr/share/kiosk; echo ${Buffer.from(BENCH_PAGE).toString("base64")} | base64 -d > /usr/share/kiosk/index.html
echo ${Buffer.from(KIOSK_UNIT).toString("base64")} | base64 -d > /etc/systemd/system/kiosk.service
systemctl daemon-reload; systemctl enable --quiet --now kiosk.service`;

async function untilPicture(pi: EmulatedImage): Promise<number> {
  await pi.switchOn({ isThrowAway: true });
  try {
    return await pi.until("the right picture", async () => ((await showsPage(pi)) ? pi.onMs : undefined), PICTURE_MS_MAX, LOOK_MS);
  } finally {
    await pi.cutPower();
  }
}

/** Whether the screen shows the page now. */
export async function showsPage(pi: EmulatedImage): Promise<boolean> {
  const picture = await pi.screen();
  return picture !== undefined && isBenchPage(picture);
}

function seconds(ms: number | undefined): string {
  return `${((ms ?? Number.NaN) / 1_000).toFixed(1)} s`;
}
