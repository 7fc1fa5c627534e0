import type { DisplayCapabilities } from "./display.ts";
import type { DisplayProperty, DisplayStatus, DisplayValue, SettableValue } from "./display-properties.ts";
import type { Issue } from "./result.ts";

/**
 * One wire to a display: how to ask and how to say, and nothing else. Waiting, comparing and serialising are done over it by
 * `ObservedDisplay`, so that every protocol behaves alike. Its functions are called one at a time and never reject for a
 * display that does not answer.
 */
export interface DisplayDriver {
  readonly questions: readonly Question[];
  readonly orders: Orders;
  readonly powerObservedBy: DisplayCapabilities["powerObservedBy"];
  readonly ownInput?: string;
}

/** One conversation that answers for one or several properties. */
export interface Question {
  readonly answers: readonly DisplayProperty[];
  /** Longest time until `ask` settles. */
  readonly worstCaseMs: number;
  /** A reading for each property of `answers`. */
  ask(): Promise<Partial<DisplayStatus>>;
}

export type Orders = { readonly [P in DisplayProperty]?: Order<P> };

/** How a property is set. */
export type Order<P extends DisplayProperty = DisplayProperty> = {
  /** The values this display takes, where they are not all of the property's. */
  readonly choices?: readonly SettableValue<P>[];
  /** Longest time until it was said, without any look at what came of it. */
  readonly worstCaseMs: number;
} & (
  | { readonly kind: "set"; say(value: SettableValue<P>): Promise<Told> }
  /** The display only knows steps up and down, so that it must be known where it is. */
  | { readonly kind: "step"; step(from: DisplayValue<P>, to: SettableValue<P>): Promise<Told> }
);

/** What became of the messages of one order. */
export interface Told {
  /** At least one of them may have reached the display. */
  readonly attempted: boolean;
  /** Of the last one that carries the order; absent where the wire has no acknowledgement. */
  readonly acknowledged?: boolean;
  /** Why not all of them were sent and acknowledged. */
  readonly error?: Issue;
  /** There was an error, and an earlier part of the order was acknowledged: what came of it is observed. */
  readonly heardInPart?: true;
}
