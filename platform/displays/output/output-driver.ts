import type { Compositor, CompositorOutput } from "../../ports/compositor.ts";
import type { DisplayDriver, Orders, Question, Told } from "../../ports/display-driver.ts";
import type { DisplayPower } from "../../ports/display-properties.ts";
import { noSuchValue, type DisplayChoices } from "../../ports/display.ts";
import { failed, seen, valueOf, type Reading } from "../../ports/reading.ts";
import { fail, ok, type Issue, type Result } from "../../ports/result.ts";
import { chooseMode, modeText, parseMode, UNLISTED_SIDE_MAX_PX } from "../../ports/video-mode.ts";

/**
 * A display that is switched and turned by this machine's own output: a monitor that goes to standby without a signal, or, in a
 * composed driver, the orientation and the mode of a TV whose power is HDMI-CEC's. Power is what the output sends, not what the panel does.
 */
export class OutputDriver implements DisplayDriver {
  readonly powerObservedBy = "output";
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly #compositor: Compositor;
  readonly #output: string | undefined;
  /** The modes of the output that was connected when it was last asked. */
  #modes: readonly string[] = [];

  /** `output`: name of the output; without it the first one that is enabled. */
  constructor(compositor: Compositor, output?: string) {
    this.#compositor = compositor;
    this.#output = output;
    const { worstCaseMs } = compositor;
    const order = { kind: "set", worstCaseMs: 2 * worstCaseMs } as const;
    this.questions = [{ answers: ["power", "orientation", "mode"], worstCaseMs, ask: () => this.#ask() }];
    this.orders = {
      power: { ...order, say: (value) => this.#tell((name) => compositor.setPower(name, value === "on" ? "on" : "off")) },
      orientation: { ...order, say: (degrees) => this.#tell((name) => compositor.setOrientation(name, degrees)) },
      mode: { ...order, say: (text) => this.#tellMode(text) },
    };
  }

  readonly choices = (): DisplayChoices => (this.#modes.length === 0 ? {} : { mode: this.#modes });

  async #ask(): ReturnType<Question["ask"]> {
    const output = await this.#find();
    if (!output.ok) return { power: failed(output.error), orientation: failed(output.error), mode: failed(output.error) };
    const { power, orientation, mode } = output.value;
    return { power: displayPower(power), orientation, mode: mode.kind === "ok" ? seen(modeText(mode.value), mode.atMs) : mode };
  }

  async #tell(change: (output: string) => Promise<Result<void>>): Promise<Told> {
    const name = this.#output === undefined ? await this.#find() : ok({ name: this.#output });
    return name.ok ? toldBy(await change(name.value.name)) : notTold(name.error);
  }

  /** Only a mode that the output offers now is set. */
  async #tellMode(text: string): Promise<Told> {
    const output = await this.#find();
    if (!output.ok) return notTold(output.error);
    const { name, mode, modes } = output.value;
    const wanted = parseMode(text);
    const chosen = wanted && chooseMode(wanted, modes, valueOf(mode));
    if (chosen !== undefined) return toldBy(await this.#compositor.setMode(name, chosen));
    return notTold(noSuchValue("mode", text, modes.length > 0 ? modes.map(modeText) : [`any mode up to ${UNLISTED_SIDE_MAX_PX}x${UNLISTED_SIDE_MAX_PX}`]));
  }

  async #find(): Promise<Result<CompositorOutput>> {
    const output = await this.#lookUp();
    this.#modes = output.ok ? output.value.modes.map(modeText) : [];
    return output;
  }

  async #lookUp(): Promise<Result<CompositorOutput>> {
    const outputs = await this.#compositor.outputs();
    if (!outputs.ok) return outputs;
    const wanted = this.#output;
    const found = outputs.value.find(({ name, enabled }) => (wanted === undefined ? enabled : name === wanted));
    if (found !== undefined) return ok(found);
    return wanted === undefined ? fail("compositor.output-disabled", "every output is disabled, or there is none") : fail("compositor.no-such-output", `the compositor has no output ${wanted}`, "check the cable");
  }
}

function notTold(error: Issue): Told {
  return { attempted: false, error };
}

/** The compositor answers only after the change, so success is an acknowledgement. */
function toldBy(changed: Result<void>): Told {
  if (changed.ok) return { attempted: true, acknowledged: true };
  const { error } = changed;
  // Without an answer the request may have arrived all the same.
  if (error.code === "compositor.timed-out") return { attempted: true, error };
  return error.code === "compositor.refused" ? { attempted: true, acknowledged: false, error } : notTold(error);
}

function displayPower(power: CompositorOutput["power"]): Reading<DisplayPower> {
  return power.kind === "ok" ? seen(power.value === "on" ? "on" : "standby", power.atMs) : power;
}
