import type { CommandExecutor } from "../executor.ts";
import type { Diagnostics, LogSource, Overrides, TelemetryBurst } from "../services.ts";
import type { Uploader } from "../uploader.ts";

const LOG_BYTES_DEFAULT = 4 * 1024 * 1024;
const BURST_INTERVAL_DEFAULT_MS = 5_000;
/** The limit of `TextSchema` in the protocol. */
const TEXT_MAX = 1_000;

/** Codes: those of `LogSource` and `Uploader`. */
export function collectLogsExecutor(logs: LogSource, uploader: Uploader): CommandExecutor<"logs.collect"> {
  return {
    async run({ bytesMax }, context) {
      context.progress("collecting");
      const collected = await logs.collect(bytesMax ?? LOG_BYTES_DEFAULT, context.signal);
      if (!collected.ok) return { state: "failed", error: collected.error };
      context.progress("uploading");
      const { bytes, contentType } = collected.value;
      const command = { id: context.id, attempt: context.attempt };
      const uploaded = await uploader.upload({ purpose: "logs", contentType, bytes, command }, context.signal);
      if (!uploaded.ok) return { state: "failed", error: uploaded.error };
      return {
        state: "succeeded",
        result: { bytes: uploaded.value.bytes, sha256: uploaded.value.sha256, upload: uploaded.value.name },
      };
    },
  };
}

export function telemetryBurstExecutor(burst: TelemetryBurst): CommandExecutor<"telemetry.burst"> {
  return {
    run({ minutes, intervalMs }) {
      const { untilMs } = burst.start(minutes * 60_000, intervalMs ?? BURST_INTERVAL_DEFAULT_MS);
      return Promise.resolve({ state: "succeeded", result: { untilMs: Math.round(untilMs) } });
    },
  };
}

export function endOverridesExecutor(overrides: Overrides): CommandExecutor<"overrides.end"> {
  const overridesOf = (key: string | undefined): string[] => overrides.keys().filter((each) => key === undefined || each === key);
  return {
    run: async ({ key }) => {
      const ended = [...(await overrides.end(key))];
      return { state: "succeeded", result: { ended, kept: overridesOf(key) } };
    },
    // One that is there was not ended; ending it now is what was asked for.
    resolve: ({ key }) => Promise.resolve(overridesOf(key).length > 0 ? { state: "not-started" } : { state: "succeeded", result: { ended: [], kept: [] } }),
  };
}

export function diagnosticsExecutor(diagnostics: Diagnostics): CommandExecutor<"diagnostics.run"> {
  return {
    async run(_params, context) {
      const checks = await diagnostics.run(context.signal);
      const short = checks.map(({ name, status, message, todo }) => ({
        name,
        status,
        message: message.slice(0, TEXT_MAX),
        ...(todo === undefined ? {} : { todo: todo.slice(0, TEXT_MAX) }),
      }));
      return { state: "succeeded", result: { checks: short } };
    },
  };
}
