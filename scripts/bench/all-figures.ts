import type { Figure } from "./figure.ts";
import { append } from "./figures/append.ts";
import { backlog } from "./figures/backlog.ts";
import { command } from "./figures/command.ts";
import { drain } from "./figures/drain.ts";
import { flash } from "./figures/flash.ts";
import { frames } from "./figures/frames.ts";
import { hang } from "./figures/hang.ts";
import { host } from "./figures/host.ts";
import { idle } from "./figures/idle.ts";
import { picture } from "./figures/picture.ts";
import { sim } from "./figures/sim.ts";
import { start } from "./figures/start.ts";
import { wire } from "./figures/wire.ts";

/** Every figure in the order of measurement; those most easily disturbed come first. */
export const FIGURES: readonly Figure[] = [idle, host, start, picture, frames, command, wire, append, drain, backlog, flash, hang, sim];
