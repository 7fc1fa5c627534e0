import * as v from "valibot";
import type { CommandDefinition } from "../../protocol/commands/definition.ts";
import type { CommandExecutor } from "./executor.ts";
import type { Issue } from "../../../platform/ports/result.ts";

/** Definition used for a journaled command that this agent version does not have. */
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

/** Executor used for a journaled command that this device can no longer carry out. */
export const UNSUPPORTED: CommandExecutor = { run: () => Promise.resolve({ state: "rejected", error: GONE }) };
