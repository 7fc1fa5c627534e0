import type { DisplayCapabilities, DisplayChoices, DisplayMemory } from "./display.ts";
import type { DisplayProperty, DisplayStatus, DisplayValue, SettableValue } from "./display-properties.ts";
import type { Issue } from "./result.ts";

/**
 * One protocol for one display: how to query and how to set properties, and nothing else. `ObservedDisplay` adds waiting,
 * comparing and serialising, so that every protocol behaves alike. Its functions are called one at a time and do not reject
 * when a display does not answer.
 */
export interface DisplayDriver {
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly powerObservedBy: DisplayCapabilities["powerObservedBy"];
  readonly ownInput?: string;
  readonly memory?: DisplayMemory;
  /** See `Display.choices`. Such an order checks its value itself, against what is connected then. */
  readonly choices?: () => DisplayChoices;
}

/** One exchange with the display that reads one or more properties. */
export interface Question {
  readonly answers: readonly DisplayProperty[];
  /** Maximum time until `ask` settles. */
  readonly worstCaseMs: number;
  /** Returns a reading for each property in `answers`. */
  ask(): Promise<Partial<DisplayStatus>>;
}

export type Orders = { readonly [P in DisplayProperty]?: Order<P> };

/** How a property is set. */
export type Order<P extends DisplayProperty = DisplayProperty> = {
  /** The values this display accepts, if fewer than the property allows. */
  readonly choices?: readonly SettableValue<P>[];
  /** Maximum time until the order has been sent, excluding any observation of its effect. */
  readonly worstCaseMs: number;
  /** Replaces the property's own `reactMs`, for a protocol whose displays show the old value for longer. */
  readonly reactMs?: number;
  /** Present if the order can be given in several ways. */
  readonly otherWays?: OtherWays;
} & (
  | { readonly kind: "set"; say(value: SettableValue<P>): Promise<Told> }
  /** The display only accepts steps up and down, so its current value must be known. */
  | { readonly kind: "step"; step(from: DisplayValue<P>, to: SettableValue<P>): Promise<Told> }
);

/** Lets a driver give an order in another way when the display did not obey. */
export interface OtherWays {
  /** How often the order is given in one call at most. */
  readonly triesMax: number;
  /** Takes what came of the order as it was last given. Returns whether to give it again in another way. */
  judge(judgement: OrderJudgement): boolean;
}

/** `ignored`: the display answers, and had not obeyed when its time was up. `unclear`: it does not answer, or nothing was sent. */
export type OrderJudgement = "obeyed" | "ignored" | "refused" | "unclear";

/** Delivery result of the messages of one order. */
export interface Told {
  /** At least one message may have reached the display. */
  readonly attempted: boolean;
  /** Whether the last message of the order was acknowledged; absent if the protocol has no acknowledgement. */
  readonly acknowledged?: boolean;
  /** Why not all messages were sent and acknowledged. */
  readonly error?: Issue;
  /** There was an error, but an earlier part of the order was acknowledged, so its effect is observed. */
  readonly heardInPart?: true;
}
