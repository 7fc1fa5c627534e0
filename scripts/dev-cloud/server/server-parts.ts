import type { Cloud } from "../sessions/cloud.ts";
import type { Views } from "./device-view.ts";
import type { SampleContent } from "./sample-content.ts";
import type { SimulatedDevices } from "./simulated-devices.ts";
import type { UploadService } from "./upload-service.ts";
import type { EventStreams } from "./event-streams.ts";

/** Dependencies of the routes. */
export interface ServerParts {
  readonly cloud: Cloud;
  readonly views: Views;
  readonly uploads: UploadService;
  readonly simulated: SimulatedDevices;
  readonly sample: SampleContent;
  readonly events: EventStreams;
  readonly startedMs: number;
  /** `http://127.0.0.1:PORT`, known once the server listens. */
  readonly base: () => string;
  /** Origin of the sample player, which has its own port. */
  readonly sampleOrigin: () => string;
  readonly uploadsBytesMax: number;
  /** Version of the development cloud. */
  readonly version: string;
}
