import * as v from "valibot";
import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import type { CommandExecutor } from "./executor.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** Stands in for the definition of a journaled command that this version of the agent has no more. */
export const FORGOTTEN: CommandDefinition = {
  name: "",
  summary: "",
  wall: "",
  proof: "",
  params: v.unknown(),
  result: v.unknown(),
  lane: "support",
  expectedMs: 0,
  timeoutMs: 15_000,
  ttlMs: 0,
  ttlMaxMs: 0,
  idempotent: false,
  afterCrash: "ask",
};

const GONE: Issue = { code: "command.unsupported", message: "this device can no longer do this" };

/** Stands in for the executor of a journaled command that this device cannot do any more. */
export const UNSUPPORTED: CommandExecutor = { run: () => Promise.resolve({ state: "rejected", error: GONE }) };
