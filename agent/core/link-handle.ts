import type { DeviceMessage } from "../protocol/device-messages.ts";
import { fail } from "../../platform/ports/result.ts";
import type { CloudLink, LinkStatus } from "./cloud/cloud-port.ts";

type Attached = Pick<CloudLink, "status" | "send" | "requestUpload">;

/** Lets parts created before the link refer to it. Until `attach` it is offline and sends nothing. */
export class LinkHandle implements Attached {
  readonly #madeMs: number;
  #link: Attached | undefined;

  /** `nowMs`: monotonic time from which the link counts as offline. */
  constructor(nowMs: number) {
    this.#madeMs = nowMs;
  }

  /** Call once, when the link exists. */
  attach(link: Attached): void {
    this.#link = link;
  }

  status(): LinkStatus {
    return this.#link?.status() ?? { kind: "offline", sinceMs: this.#madeMs };
  }

  send(message: DeviceMessage): boolean {
    return this.#link?.send(message) ?? false;
  }

  requestUpload(request: Parameters<CloudLink["requestUpload"]>[0]): ReturnType<CloudLink["requestUpload"]> {
    return this.#link?.requestUpload(request) ?? Promise.resolve(fail("link.offline", "the link to the cloud has not been created yet"));
  }
}
