import { describeAgentChannel } from "./agent-channel.conformance.ts";
import { InProcessLink } from "./in-process-link.ts";

describeAgentChannel("one program's memory", () => {
  const link = new InProcessLink();
  let leave = (): void => undefined;
  return Promise.resolve({
    open: (listener) => link.open(listener),
    listen: async (accept) => {
      leave = link.listen(accept);
    },
    goAway: async () => leave(),
    // Whoever sends without a pause lets nobody read.
    stopReading: () => undefined,
    dispose: async () => leave(),
  });
});
