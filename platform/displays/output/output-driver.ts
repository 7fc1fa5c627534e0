import type { Compositor, CompositorOutput } from "../../ports/compositor.ts";
import type { DisplayDriver, Orders, Question, Told } from "../../ports/display-driver.ts";
import type { DisplayPower } from "../../ports/display-properties.ts";
import { failed, seen, type Reading } from "../../ports/reading.ts";
import { fail, ok, type Result } from "../../ports/result.ts";

/**
 * A display that is switched and turned by this machine's own output: a monitor that goes to standby without a signal, or, in a
 * composed driver, the orientation of a TV whose power is HDMI-CEC's. Power is what the output sends, not what the panel does.
 */
export class OutputDriver implements DisplayDriver {
  readonly powerObservedBy = "output";
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly #compositor: Compositor;
  readonly #output: string | undefined;

  /** `output`: name of the output; without it the first one that is enabled. */
  constructor(compositor: Compositor, output?: string) {
    this.#compositor = compositor;
    this.#output = output;
    const { worstCaseMs } = compositor;
    this.questions = [{ answers: ["power", "orientation"], worstCaseMs, ask: () => this.#ask() }];
    this.orders = {
      power: { kind: "set", worstCaseMs: 2 * worstCaseMs, say: (value) => this.#tell((name) => compositor.setPower(name, value === "on" ? "on" : "off")) },
      orientation: { kind: "set", worstCaseMs: 2 * worstCaseMs, say: (degrees) => this.#tell((name) => compositor.setOrientation(name, degrees)) },
    };
  }

  async #ask(): ReturnType<Question["ask"]> {
    const output = await this.#find();
    if (!output.ok) return { power: failed(output.error), orientation: failed(output.error) };
    return { power: displayPower(output.value.power), orientation: output.value.orientation };
  }

  /** The compositor answers only after the change, so success is an acknowledgement. */
  async #tell(change: (output: string) => Promise<Result<void>>): Promise<Told> {
    const name = this.#output === undefined ? await this.#find() : ok({ name: this.#output });
    const changed = name.ok ? await change(name.value.name) : name;
    if (changed.ok) return { attempted: true, acknowledged: true };
    const { error } = changed;
    // Without an answer the request may have arrived all the same.
    if (error.code === "compositor.timed-out") return { attempted: true, error };
    return error.code === "compositor.refused" ? { attempted: true, acknowledged: false, error } : { attempted: false, error };
  }

  async #find(): Promise<Result<CompositorOutput>> {
    const outputs = await this.#compositor.outputs();
    if (!outputs.ok) return outputs;
    const wanted = this.#output;
    const found = outputs.value.find(({ name, enabled }) => (wanted === undefined ? enabled : name === wanted));
    if (found !== undefined) return ok(found);
    return wanted === undefined ? fail("compositor.output-disabled", "every output is disabled, or there is none") : fail("compositor.no-such-output", `the compositor has no output ${wanted}`, "check the cable");
  }
}

function displayPower(power: CompositorOutput["power"]): Reading<DisplayPower> {
  return power.kind === "ok" ? seen(power.value === "on" ? "on" : "standby", power.atMs) : power;
}
