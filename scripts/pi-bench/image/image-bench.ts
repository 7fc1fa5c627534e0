import type { DevCloud } from "../../dev-cloud/dev-cloud.ts";
import type { EmulatedImage } from "./emulated-image.ts";

/** An image on its card, and the cloud that its provisioning file names. */
export interface ImageBench {
  readonly pi: EmulatedImage;
  readonly cloud: DevCloud;
  readonly deviceName: string;
  revive(): Promise<void>;
}
