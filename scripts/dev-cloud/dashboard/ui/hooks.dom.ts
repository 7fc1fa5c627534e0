import { h, type ComponentChildren, type JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Change, Store } from "../data/store.dom.ts";

export type View = JSX.Element;

/** Returns a function that re-renders the component. */
export function useAgain(): () => void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  return () => again(undefined);
}

/** Calls `listener` for every change while the component is mounted. */
export function useChanges(store: Store, listener: (change: Change) => void): void {
  const newest = useRef(listener);
  newest.current = listener;
  // A layout effect, so that no change is missed between the first render and subscribing.
  useLayoutEffect(() => {
    const ends = new AbortController();
    store.on(ends.signal, (change) => newest.current(change));
    return () => ends.abort();
  }, [store]);
}

/** Re-renders the component on changes for which `wanted` is true. */
export function useDrawnOn(store: Store, wanted: (change: Change) => boolean): void {
  const again = useAgain();
  useChanges(store, (change) => {
    if (wanted(change)) again();
  });
}

/** Aborts when the component is unmounted. */
export function useSignal(): AbortSignal {
  const ends = useMemo(() => new AbortController(), []);
  useEffect(() => () => ends.abort(), []);
  return ends.signal;
}

let lastId = 0;

/** A unique id for `for`, `aria-describedby` and the like, stable across renders. */
export function useFreshId(prefix: string): string {
  return useState(() => `${prefix}-${(lastId += 1)}`)[0];
}

/** Mounted components that show the time. */
const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Re-renders the component once a second. */
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

/** A text that depends on the time, refreshed every second. */
export function Ticking({ text, ...attributes }: TickingProps): View {
  useTicking();
  return h("span", attributes, text());
}

/** Text for screen readers only. */
export function hidden(text: string): View {
  return h("span", { class: "sr-only" }, text);
}
