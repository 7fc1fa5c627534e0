import type { Display } from "../../../platform/ports/display.ts";

/**
 * The same display, but `changed` is called after every attempt to change it: whoever shares a reading of its
 * status looks again instead of waiting for the next poll.
 */
export function noticedDisplay(display: Display, changed: () => void): Display {
  return {
    capabilities: display.capabilities,
    worstCaseMs: (property) => display.worstCaseMs(property),
    status: () => display.status(),
    set: async (property, value) => {
      try {
        return await display.set(property, value);
      } finally {
        changed();
      }
    },
  };
}
