import type { Log } from "../../../platform/ports/log.ts";
import { messageOf } from "../../../platform/ports/result.ts";
import { STREAMS, type Stream } from "../../protocol/records.ts";
import type { Backlog } from "../outbox/backlog.ts";
import type { EventSink } from "../outbox/event-sink.ts";

/**
 * Records the event `cloud.stored-went-back` when a welcome acknowledges lower sequence numbers than the cloud did before:
 * it lost records that the device no longer has, or it is another cloud. `streams` of the event's data has the known and
 * the reported number of each stream. Recorded once for the same numbers. Call the returned function with the welcome's
 * `stored`; an absent stream counts as 0.
 */
export function storedWatch(outbox: Pick<Backlog, "ranges" | "log"> & Pick<EventSink, "append">, log: Log): (stored: Partial<Readonly<Record<Stream, number>>>) => void {
  let told = "";
  return (stored) => {
    const ranges = outbox.ranges();
    const lower = STREAMS.filter((stream) => (stored[stream] ?? 0) < ranges[stream].stored);
    const streams = Object.fromEntries(lower.map((stream) => [stream, { known: ranges[stream].stored, said: stored[stream] ?? 0 }]));
    const now = lower.length === 0 ? "" : JSON.stringify([outbox.log, streams]);
    if (now === told) return;
    told = now;
    if (lower.length === 0) return;
    log.warn({ streams }, "the cloud has fewer records stored than it acknowledged before");
    outbox.append({ stream: "event", kind: "agent", source: "agent", body: { name: "cloud.stored-went-back", data: { log: outbox.log, streams } } }).then(
      (appended) => {
        if (!appended.ok) log.warn({ ...appended.error }, "the event that the cloud lost records could not be stored");
      },
      (thrown: unknown) => log.error({ error: messageOf(thrown) }, "storing the event that the cloud lost records threw: a bug"),
    );
  };
}
