import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CommandRunner } from "../../../platform/linux/command-runner.ts";
import { CERTIFICATES_DIR, FOUND_DIR, lastFound, readFacts, type DeviceCertificates } from "../../../platform/linux/device-certificates.ts";
import { openNmcli } from "../../../platform/linux/nmcli-network-settings.ts";
import { prepareCertificate, TEMPLATE_KINDS, templateName } from "../../../platform/linux/prepare-certificate.ts";
import { systemClock } from "../../../platform/linux/system-clock.ts";
import type { CurrentNetwork, Dot1xAccess, Dot1xRenewal, NetworkChangeSettings, NetworkSettings } from "../../../platform/ports/network-settings.ts";
import { fail, ok, type Result } from "../../../platform/ports/result.ts";
import { NetworkedMachine } from "./networked-machine.ts";

const RULE = readFileSync(join(import.meta.dirname, "../../systemd/50-vitrine.rules"), "utf8");
/** With letters that the format of NetworkManager's profiles escapes. */
const KEY_PASSWORD = " key: pa\\ss";
export const PEAP_PASSWORD = "right: word\\1 'x'";
export const tls = (certificate: string, identity = "player-7"): NetworkChangeSettings => ({ dot1x: { eth0: { method: "tls", identity, certificate, serverName: "radius.example" } } });
export const peap = (password: string): NetworkChangeSettings => ({ dot1x: { eth0: { method: "peap", identity: "player-8", certificate: "site", password } } });

/** Makes an authority, a server's certificate and those of devices, in /tmp/pki. */
const MAKE = `set -e; mkdir -p /tmp/pki; cd /tmp/pki; EC='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'
for ca in site other; do openssl req -x509 $EC -nodes -keyout $ca.key -out $ca.pem -days 30 -subj "/CN=$ca"; done
issue() { openssl req $EC -nodes -keyout $1.key -out $1.csr -subj "/CN=$2"; openssl x509 -req -in $1.csr -CA $3.pem -CAkey $3.key -CAcreateserial -days $4 -out $1.crt; }
issue server radius.example site 30; issue player player-7 site 20; issue stranger player-7 other 20
# Versions before 3.4 know no -not_after, later ones no negative number of days.
expire() { openssl x509 -req -in player.csr -CA site.pem -CAkey site.key -CAcreateserial -out expired.crt "$@"; }
expire -not_before 20200101000000Z -not_after 20210101000000Z || expire -days -1
openssl pkey -aes256 -passout pass:"$PASSWORD" -in player.key -out encrypted.key
put() { mkdir -p "$DIR/$1"; cp $2.pem "$DIR/$1/ca.pem"; [ $# = 2 ] || { cp $3.crt "$DIR/$1/certificate.pem"; cp $4.key "$DIR/$1/key.pem"; chmod 644 "$DIR/$1/key.pem"; }; }
put site site; put player site player encrypted; printf '%s\n' "$PASSWORD" > "$DIR/player/key-password.txt"
cp -r "$DIR/player" "$DIR/player-before"; openssl pkey -aes256 -passout pass:renewed -in player.key -out renewed.key
put renewed site player renewed; echo renewed > "$DIR/renewed/key-password.txt"
put stranger site stranger stranger; put expired site expired player; put mismatch site player stranger; put locked site player encrypted; put distrusts other player player`;

const HOSTAPD = `interface=router0
driver=wired
ieee8021x=1
eap_reauth_period=0
use_pae_group_addr=0
eap_server=1
eap_user_file=/tmp/users
ca_cert=/tmp/pki/site.pem
server_cert=/tmp/pki/server.crt
private_key=/tmp/pki/server.key
`;
/** What hostapd knows: a certificate's holder and a password's. */
export const USERS = `"player-7" TLS\n"player-8" PEAP\n"player-8" MSCHAPV2 "${PEAP_PASSWORD}" [2]\n`;

/** A machine whose cable leads to a switch with 802.1X: the real hostapd with its own authentication server. */
export class Dot1xBench {
  readonly machine: NetworkedMachine;
  readonly settings: NetworkSettings;

  private constructor(machine: NetworkedMachine, settings: NetworkSettings) {
    this.machine = machine;
    this.settings = settings;
  }

  /** The adapter runs as the agent's user, whom only the package's polkit rule allows anything. */
  static async start(root: string): Promise<Dot1xBench> {
    const machine = await NetworkedMachine.start(root);
    await machine.withUsers(["vitrine-agent"], RULE);
    put(machine, "/tmp/make.sh", MAKE);
    put(machine, "/tmp/hostapd.conf", HOSTAPD);
    // Refusals end by this timeout, 25 s by default.
    put(machine, "/etc/NetworkManager/conf.d/test.conf", "[connection]\n802-1x.auth-timeout=3\n");
    await machine.bash(`mkdir -p ${CERTIFICATES_DIR}; DIR=${CERTIFICATES_DIR} PASSWORD='${KEY_PASSWORD}' bash /tmp/make.sh && wpa_supplicant -u -B -f /tmp/wpa_supplicant.log && nmcli general reload`);
    const run = machine.runner("vitrine-agent");
    // The adapter's deadlines are for a device; a machine that runs other tests is slower.
    const patient: CommandRunner = (program, args, timeoutMs, input) => run(program, args, 6 * timeoutMs, input);
    const ports = await openNmcli(patient, systemClock, { certificates: certificatesOf(machine), clockQuality: () => Promise.resolve("synced") });
    if (ports === undefined) throw new Error("the agent's user may not change settings");
    const bench = new Dot1xBench(machine, ports.networkSettings);
    await bench.authenticator(USERS);
    return bench;
  }

  /** Starts the switch anew, with other users. */
  async authenticator(users: string): Promise<void> {
    put(this.machine, "/tmp/users", users);
    await this.machine.bash("if [ -s /run/hostapd.pid ]; then old=$(cat /run/hostapd.pid); kill $old; while kill -0 $old 2> /dev/null; do sleep 0.05; done; fi; ip netns exec site hostapd -B -P /run/hostapd.pid -f /tmp/hostapd.log /tmp/hostapd.conf && for n in $(seq 100); do [ -s /run/hostapd.pid ] && break; sleep 0.05; done");
  }

  log(): string {
    return readFileSync(join(this.machine.folder, "/tmp/hostapd.log"), "utf8");
  }

  async shown(): Promise<CurrentNetwork> {
    const reading = await this.settings.current();
    if (reading.kind !== "ok") throw new Error(`the settings cannot be seen: ${reading.kind}`);
    return reading.value;
  }

  async access(): Promise<Dot1xAccess | undefined> {
    const read = await this.settings.dot1x?.access();
    return read?.kind === "ok" ? read.value[0] : undefined;
  }

  async renewals(): Promise<readonly Dot1xRenewal[]> {
    const read = await this.settings.dot1x?.renewals();
    if (read?.kind !== "ok") throw new Error(`the renewals cannot be seen: ${JSON.stringify(read)}`);
    return read.value;
  }

  /** Puts the files of one certificate into the folder of another, as a person who renews it. */
  put(from: string, into: string): Promise<void> {
    return this.machine.bash(`cd ${CERTIFICATES_DIR} && cp ${from}/* ${into}/`);
  }

  async keep(change: NetworkChangeSettings): Promise<void> {
    const point = done(await this.settings.checkpoint(change));
    done(await this.settings.apply(change));
    done(await this.settings.keep(point));
  }
}

export function done<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function put(machine: NetworkedMachine, path: string, text: string): void {
  mkdirSync(dirname(join(machine.folder, path)), { recursive: true });
  writeFileSync(join(machine.folder, path), text);
}

/** What vitrine-certificate@.service does. */
function certificatesOf(machine: NetworkedMachine): DeviceCertificates {
  const at = (path: string): string => join(machine.folder, path);
  const profiles = "/run/NetworkManager/system-connections";
  const users = [at(profiles), at("/etc/NetworkManager/system-connections")];
  const prepare: DeviceCertificates["prepare"] = async (name) => {
    const found = prepareCertificate(name, { certificates: at(CERTIFICATES_DIR), seenAs: CERTIFICATES_DIR, profiles: at(profiles), found: at(FOUND_DIR), users });
    if (found.kind === "problem") return fail(found.code, found.message);
    if (found.own !== undefined) await machine.ask("nmcli", "connection", "load", ...TEMPLATE_KINDS.map((kind) => join(profiles, `${templateName(name, kind)}.nmconnection`)));
    return ok(found);
  };
  return {
    folder: CERTIFICATES_DIR,
    prepare,
    look: async (name) => (await lastFound(at(CERTIFICATES_DIR), at(FOUND_DIR), name, systemClock)) ?? prepare(name),
    facts: (used) => readFacts(at(CERTIFICATES_DIR), at(FOUND_DIR), used),
  };
}
