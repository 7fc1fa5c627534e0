import { fail, type Result } from "../../ports/result.ts";

/** The sound system is not running here, or its socket is not for us. `said`: what the program printed. */
export function noServer(system: string, said: string): Result<never> {
  return fail("audio.no-server", `${system} does not answer: ${said.replaceAll(/\s+/g, " ")}`);
}
