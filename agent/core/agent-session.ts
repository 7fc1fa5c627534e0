import type { AgentParts } from "./agent-parts.ts";
import type { AgentPorts, AgentSettings } from "./agent-ports.ts";
import type { SessionHandlers } from "./cloud/cloud-port.ts";
import { storedWatch } from "./cloud/stored-went-back.ts";
import type { Profile } from "./commands/capabilities.ts";
import type { CommandService } from "./commands/command-service.ts";

/** Forwards the messages of a session to the parts. Makes no decisions. */
export function sessionHandlers(ports: AgentPorts, settings: AgentSettings, parts: AgentParts, commands: CommandService, profile: () => Profile): SessionHandlers {
  const { desired, reported, pairing, migration, send } = parts;
  const sendProfile = (): void => void send(profile());
  const log = ports.log.child({ part: "session" });
  const watchStored = storedWatch(ports.outbox, log);
  return {
    hello: async () => {
      const numberHigh = await parts.ownership.numberHigh();
      return {
        agent: { version: settings.version, platform: ports.platform.name, ...(settings.name !== "" && { name: settings.name }) },
        desiredVersion: desired.version(),
        reportedVersion: reported.version(),
        profileHash: profile().hash,
        openCommands: [...commands.openCommands()],
        ...(numberHigh !== undefined && { numberHigh }),
      };
    },
    acceptOwner: (owner, message, endpoint) => migration.acceptOwner(owner, message, endpoint),
    welcomed: (welcome) => {
      watchStored(welcome.stored);
      parts.judgingClock.compare();
      desired.onWelcome(welcome.desiredVersion);
      reported.onWelcome(welcome.reportedVersion, welcome.wants);
      if (welcome.wants.includes("profile")) sendProfile();
      if (welcome.owner.kind === "claimed") pairing.claimed();
      commands.timeLearnt();
    },
    command: (message) => commands.command(message.signed),
    cancel: (message) => commands.cancel(message.signed),
    desired: (message) => {
      desired.accept(message.signed).then(
        (accepted) => {
          if (!accepted.ok) send({ t: "error", code: accepted.error.code, message: accepted.error.message.slice(0, 1000), about: "desired" });
        },
        (thrown: unknown) => log.error({ error: String(thrown) }, "accepting a desired document threw"),
      );
    },
    reportedAck: (version) => reported.onAck(version),
    fetch: (wants) => {
      if (wants.includes("profile")) sendProfile();
      if (wants.includes("reported")) reported.onFetch();
    },
    pairing: (message) => pairing.received(message),
  };
}
