import { createHash } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fail, messageOf, ok, type Result } from "../../../platform/ports/result.ts";
import type { SetupDoor } from "../../core/setup/setup.ts";

/** Runs `systemctl VERB UNIT`. */
export type ControlUnit = (verb: "start" | "stop", unit: string) => Promise<Result<unknown>>;

/**
 * On a device. The agent may not listen on port 80, so `vitrine-setup@ADDRESS.socket` does, and systemd's proxy passes the
 * connections to a Unix socket of the agent. polkit lets the agent's user start and stop that unit.
 */
export function systemdDoor({ server, path, control }: { readonly server: () => Server; readonly path: string; readonly control: ControlUnit }): SetupDoor {
  let opened: { readonly server: Server; readonly unit: string } | undefined;
  const close = async (): Promise<void> => {
    if (opened === undefined) return;
    const { server: closing, unit } = opened;
    opened = undefined;
    // A unit that cannot be stopped leads to a socket that is gone.
    await control("stop", unit);
    await end(closing);
  };
  return {
    open: async (address) => {
      await close();
      const created = server();
      try {
        // The folder is the agent's own; it may not exist before the first socket.
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rm(path, { force: true });
        await listen(created, { path });
        await chmod(path, 0o600);
      } catch (thrown) {
        await end(created);
        return fail("setup.no-portal", `the set-up portal cannot listen on ${path}: ${messageOf(thrown)}`);
      }
      const unit = `vitrine-setup@${address}.socket`;
      opened = { server: created, unit };
      const started = await control("start", unit);
      if (started.ok) return ok(address);
      await close();
      return fail("setup.no-portal", `${unit} could not be started: ${started.error.message}`, "install vitrine-setup@.socket, vitrine-setup@.service and the polkit rule");
    },
    close,
  };
}

const PORTS = { first: 20_000, count: 10_000 } as const;

/**
 * For the simulated machine, whose set-up network nobody can join: the portal is on loopback. Its port follows from `name`, so that an
 * address that somebody has open in a browser is still right when it opens again, also after a restart. If that port is in use, any other.
 */
export function loopbackDoor(server: () => Server, name: string): SetupDoor {
  let opened: Server | undefined;
  // Below the ports that Linux gives to outgoing connections.
  let port = PORTS.first + (createHash("sha256").update(name).digest().readUInt32BE() % PORTS.count);
  const close = async (): Promise<void> => {
    const closing = opened;
    opened = undefined;
    if (closing !== undefined) await end(closing);
  };
  return {
    open: async () => {
      await close();
      const created = server();
      try {
        await listen(created, { host: "127.0.0.1", port }).catch((thrown: unknown) => {
          if ((thrown as NodeJS.ErrnoException).code !== "EADDRINUSE") throw thrown;
          return listen(created, { host: "127.0.0.1", port: 0 });
        });
      } catch (thrown) {
        return fail("setup.no-portal", `the set-up portal cannot listen on loopback: ${messageOf(thrown)}`);
      }
      opened = created;
      ({ port } = created.address() as AddressInfo);
      return ok(`127.0.0.1:${port}`);
    },
    close,
  };
}

function listen(server: Server, where: { readonly path: string } | { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function end(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    // It may not have been listening.
    server.close(() => resolve());
  });
}
