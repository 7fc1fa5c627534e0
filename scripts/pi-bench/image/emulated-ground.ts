import { createReadStream, statSync } from "node:fs";
import { createServer, type AddressInfo, type NetConnectOpts, type Server, type Socket } from "node:net";
import { basename } from "node:path";
import { Ground, type Ran } from "../../package/testing/ground.ts";
import { OneAtATime } from "../../../platform/runtime/one-at-a-time.ts";
import { HOST } from "./bench-units.ts";
import { EmulatedImage, type ImageOptions } from "./emulated-image.ts";

/** On the machine: the way to the socket for its player. */
const PLAYER_PORT = 7_001;
const PLAYER_SOCKET = "/run/vitrine/run/player.sock";
/** An update needs room for the release that runs, the one that is unpacked and its download, and packages are in /root. */
const CARD_GIB = 8;
/** One of the cases has a disk in memory beside the browser. */
const MEMORY_GIB = 3;
const SCRIPT_MS_MAX = 300_000;

/**
 * An image on an emulated machine with a screen as the ground of a device under test. What it needs for that is in units of the machine's own
 * disk, so that it is there after each boot. A power cut loses what was not synced.
 */
export class EmulatedGround extends Ground {
  readonly slowness = 6;
  readonly trialMinutes = 8;
  readonly image: EmulatedImage;
  readonly #playerPort: number;
  readonly #scripts = new OneAtATime();

  private constructor(image: EmulatedImage, playerPort: number) {
    super();
    this.image = image;
    this.#playerPort = playerPort;
  }

  /** Boots the image from a blank card. */
  static async open(options: Pick<ImageOptions, "image" | "consolePath">): Promise<EmulatedGround> {
    const playerPort = await freePort();
    const image = await EmulatedImage.open({ ...options, machine: "virt", cardGiB: CARD_GIB, memoryGiB: MEMORY_GIB, forward: { from: playerPort, to: PLAYER_PORT } });
    const ground = new EmulatedGround(image, playerPort);
    try {
      await image.boot();
      console.log(`    the bench was in after ${(image.bootMs / 1_000).toFixed(0)} s`);
      await ground.read(PREPARE);
      return ground;
    } catch (thrown) {
      await image.close();
      throw thrown;
    }
  }

  /** One after the other: the machine's shell takes one script at a time. */
  run(script: string, limitMs = SCRIPT_MS_MAX): Promise<Ran> {
    // The shell reads its script from its standard input, which no program of the script may take part of.
    return this.#scripts.run(() => this.image.run(`{ cd /root\n${script}\n} < /dev/null`, limitMs * this.slowness));
  }

  async give(file: string): Promise<string> {
    const { server, port } = await listen((socket) => createReadStream(file).pipe(socket));
    const name = basename(file);
    try {
      await this.read(`cat < /dev/tcp/${HOST}/${port} > ${name} && [ "$(stat -c %s ${name})" = ${statSync(file).size} ] && sync ${name}`);
    } finally {
      server.close();
    }
    return name;
  }

  async reach(port: number): Promise<void> {
    await this.read(proxyScript(`bench-to-${port}`, `127.0.0.1:${port}`, `${HOST}:${port}`));
  }

  playerSocket(): Promise<NetConnectOpts> {
    return Promise.resolve({ host: "127.0.0.1", port: this.#playerPort });
  }

  powerOff(): Promise<void> {
    return this.image.cutPower();
  }

  powerOn(): Promise<void> {
    return this.image.boot();
  }

  close(): Promise<void> {
    return this.image.close();
  }
}

/** A script that makes a socket on which systemd passes connections on, now and after each boot. */
export function proxyScript(name: string, listen: string, target: string): string {
  const units = { socket: `[Socket]\\nListenStream=${listen}\\n[Install]\\nWantedBy=sockets.target\\n`, service: `[Service]\\nExecStart=/lib/systemd/systemd-socket-proxyd ${target}\\n` };
  const written = Object.entries(units).map(([kind, text]) => `printf '${text}' > /etc/systemd/system/${name}.${kind}`);
  return [...written, "systemctl daemon-reload", `systemctl enable --quiet --now ${name}.socket`, "sync -f /etc/systemd/system"].join(" && ");
}

/** Without a GPU the compositor has to be told to draw with the processor. */
const PREPARE = [
  "mkdir -p /etc/systemd/system/vitrine-player.service.d",
  "printf '[Service]\\nEnvironment=WLR_RENDERER=pixman\\n' > /etc/systemd/system/vitrine-player.service.d/bench.conf",
  proxyScript("bench-player", String(PLAYER_PORT), PLAYER_SOCKET),
].join(" && ");

async function freePort(): Promise<number> {
  const { server, port } = await listen((socket) => socket.destroy());
  await new Promise((done) => server.close(done));
  return port;
}

async function listen(onSocket: (socket: Socket) => unknown): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    // A machine whose power is cut resets its connections.
    socket.on("error", () => socket.destroy());
    onSocket(socket);
  });
  await new Promise<void>((done) => {
    server.listen(0, "127.0.0.1", done);
  });
  return { server, port: (server.address() as AddressInfo).port };
}
