import { describeAgentChannel } from "./agent-channel.conformance.ts";
import { InProcessLink } from "./in-process-link.ts";

describeAgentChannel("memory of one process", () => {
  const link = new InProcessLink();
  let leave = (): void => undefined;
  return Promise.resolve({
    open: (listener) => link.open(listener),
    listen: async (accept) => {
      leave = link.listen(accept);
    },
    goAway: async () => leave(),
    // Sending without a pause would never let the other end read.
    stopReading: () => undefined,
    dispose: async () => leave(),
  });
});
