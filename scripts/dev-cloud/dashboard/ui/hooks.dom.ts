import { h, type ComponentChildren, type JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Change, Store } from "../data/store.dom.ts";

export type View = JSX.Element;

/** Draws the component again. */
export function useAgain(): () => void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  return () => again(undefined);
}

/** Hears every change for as long as the component is on the page. */
export function useChanges(store: Store, listener: (change: Change) => void): void {
  const newest = useRef(listener);
  newest.current = listener;
  // Before the browser draws: nothing can happen between the first drawing and this.
  useLayoutEffect(() => {
    const ends = new AbortController();
    store.on(ends.signal, (change) => newest.current(change));
    return () => ends.abort();
  }, [store]);
}

/** Draws the component again whenever a change is `wanted`. */
export function useDrawnOn(store: Store, wanted: (change: Change) => boolean): void {
  const again = useAgain();
  useChanges(store, (change) => {
    if (wanted(change)) again();
  });
}

/** Aborts when the component leaves the page. */
export function useSignal(): AbortSignal {
  const ends = useMemo(() => new AbortController(), []);
  useEffect(() => () => ends.abort(), []);
  return ends.signal;
}

let lastId = 0;

/** An id for `for`, `aria-describedby` and the like, the same at each drawing. */
export function useFreshId(prefix: string): string {
  return useState(() => `${prefix}-${(lastId += 1)}`)[0];
}

/** Components on the page that show the time. */
const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Draws the component again once a second. */
export function useTicking(): void {
  const again = useAgain();
  useEffect(() => {
    ticking.add(again);
    timer ??= setInterval(() => {
      for (const show of ticking) show();
    }, 1_000);
    return () => {
      ticking.delete(again);
      if (ticking.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, []);
}

export interface TickingProps {
  readonly text: () => ComponentChildren;
  readonly class?: string;
  readonly title?: string | undefined;
}

/** A text that depends on the time. */
export function Ticking({ text, ...attributes }: TickingProps): View {
  useTicking();
  return h("span", attributes, text());
}

/** Text for screen readers alone. */
export function hidden(text: string): View {
  return h("span", { class: "sr-only" }, text);
}
