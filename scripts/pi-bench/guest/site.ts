import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { promisify } from "node:util";
import type { LinkStatus } from "../../../agent/core/cloud/cloud-port.ts";
import type { ChangingLink } from "../../../agent/core/network/network-change-deps.ts";

const SERVER = { host: "192.0.2.1", port: 80 };
const ATTEMPT_MS = 2_000;
const PROGRAM_TIMEOUT_MS = 120_000;

/** Stands for the link to the cloud: online when the site's server was reached, which is only possible over one of its networks. */
export class SiteLink implements ChangingLink {
  readonly #listeners = new Set<(status: LinkStatus) => void>();
  #status: LinkStatus = { kind: "offline", sinceMs: performance.now() };
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;

  status(): LinkStatus {
    return this.#status;
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reconnect(): void {
    this.#become({ kind: "offline", sinceMs: performance.now() });
    this.#attempt();
  }

  nudge(): void {}

  close(): void {
    clearTimeout(this.#timer);
  }

  #attempt(): void {
    clearTimeout(this.#timer);
    const attempt = (this.#attempts += 1);
    const socket = connect(SERVER);
    this.#timer = setTimeout(() => {
      socket.destroy();
      this.#attempt();
    }, ATTEMPT_MS);
    // The timer tries again.
    socket.on("error", () => {});
    socket.on("connect", () => {
      socket.destroy();
      if (attempt !== this.#attempts) return;
      clearTimeout(this.#timer);
      this.#become({ kind: "online", endpoint: SERVER.host, session: String(attempt), sinceMs: performance.now() });
    });
  }

  #become(status: LinkStatus): void {
    this.#status = status;
    for (const tell of this.#listeners) tell(status);
  }
}

/** A person's phone, with a radio of its own. */
export class Phone {
  /** Joins a network with what its camera reads from the QR code, and gets an address. */
  async join(qrText: string): Promise<void> {
    const [, ssid = "", password = ""] = /^WIFI:T:WPA;S:([^;\\]+);P:([^;\\]+);;$/.exec(qrText) ?? [];
    await writeFile("/tmp/phone.conf", `network={\n ssid="${ssid}"\n psk="${password}"\n}\n`);
    await writeFile("/tmp/udhcpc.sh", '#!/bin/bash\n[ "$1" = bound ] && ip addr replace "$ip/24" dev phone0\nexit 0\n', { mode: 0o755 });
    await this.#bash("wpa_supplicant -B -i phone0 -P /tmp/phone.pid -c /tmp/phone.conf -f /tmp/phone.log");
    await this.#bash("busybox udhcpc -i phone0 -n -q -t 20 -T 3 -s /tmp/udhcpc.sh");
  }

  /** The whole response, header fields in small letters. `host` is looked up with the DNS server of the network that the phone is in. */
  get(host: string): Promise<string> {
    return this.#ask(host, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  }

  post(host: string, path: string, form: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams(form).toString();
    return this.#ask(host, `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  async leave(): Promise<void> {
    await this.#bash("kill $(cat /tmp/phone.pid); ip addr flush dev phone0");
  }

  #ask(host: string, request: string): Promise<string> {
    return this.#bash('exec 3<> "/dev/tcp/$0/80" && printf %s "$1" >&3 && cat <&3', host, request);
  }

  /** Not synchronous: the portal that it asks is in this process. */
  async #bash(line: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)("ip", ["netns", "exec", "phone", "bash", "-c", line, ...args], { timeout: PROGRAM_TIMEOUT_MS });
    return stdout;
  }
}
