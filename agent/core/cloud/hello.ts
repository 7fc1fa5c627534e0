import { validate } from "../../protocol/codec.ts";
import { HelloSchema, type Hello } from "../../protocol/device-messages.ts";
import { helloBytes } from "../../protocol/signed.ts";
import { fail, messageOf, type Result } from "../../../platform/ports/result.ts";
import { toBase64Url } from "../../../platform/runtime/encoding.ts";
import type { CloudLinkDeps } from "./cloud-link-deps.ts";
import type { SessionEpoch } from "./session-epoch.ts";

type HelloDeps = Pick<
  CloudLinkDeps,
  "key" | "deviceId" | "bootId" | "clock" | "clockQuality" | "ownerFingerprint" | "claimToken" | "backlog" | "handlers" | "log"
>;

/**
 * Builds the answer to a challenge. The epoch is written to disk before use; if that fails it is used all the same. Error:
 * `link.hello-fault` when a part of the agent failed to supply its facts, which is a fault of the device, not of the cloud.
 */
export async function buildHello(deps: HelloDeps, epochs: SessionEpoch, endpoint: string, nonce: string): Promise<Result<Hello>> {
  try {
    const { key, deviceId, bootId, clock, log, backlog } = deps;
    const quality = await deps.clockQuality();
    const facts = await deps.handlers.hello();
    const { epoch, durable, error } = await epochs.next(quality);
    if (!durable) log.warn({ epoch, error }, "the session number could not be stored");
    const audience = new URL(endpoint).origin;
    const signature = toBase64Url(await key.sign(helloBytes({ nonce, deviceId, audience, bootId, epoch })));
    const owner = deps.ownerFingerprint();
    const claimToken = owner === undefined ? deps.claimToken() : undefined;
    const hello: Hello = {
      t: "hello",
      version: 1,
      deviceId,
      publicKey: toBase64Url(key.publicKey),
      signature,
      audience,
      bootId,
      epoch,
      agent: facts.agent,
      clock: { wallMs: Math.max(0, Math.floor(clock.wallMs())), quality },
      log: backlog.log,
      streams: { ...backlog.ranges() },
      desiredVersion: facts.desiredVersion,
      reportedVersion: facts.reportedVersion,
      profileHash: facts.profileHash,
      openCommands: facts.openCommands,
      ...(facts.numberHigh === undefined ? {} : { numberHigh: facts.numberHigh }),
      ...(owner === undefined ? {} : { owner }),
      ...(claimToken === undefined ? {} : { claimToken }),
    };
    return validate(HelloSchema, hello, "this device's hello", "link.hello-fault");
  } catch (thrown) {
    deps.log.error({ error: messageOf(thrown) }, "the hello could not be built");
    return fail("link.hello-fault", `the hello could not be built: ${messageOf(thrown)}`);
  }
}
