import type { CloudMessageOf } from "../../protocol/cloud-messages.ts";
import type { DeviceMessageOf } from "../../protocol/device-messages.ts";
import type { Timer, Timers } from "../../../platform/ports/clock.ts";
import type { Random } from "../../../platform/ports/random.ts";
import { fail, foreignCode, ok, type Result } from "../../../platform/ports/result.ts";
import { toHex } from "../../../platform/runtime/encoding.ts";

const ANSWER_TIMEOUT_MS = 30_000;
const OPEN_MAX = 16;

type Grant = CloudMessageOf<"upload-grant">;
type Request = DeviceMessageOf<"upload-request">;

interface Open {
  readonly timer: Timer;
  settle(result: Result<Grant>): void;
}

/** Pending requests for an upload address. They end with the session. */
export class UploadRequests {
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #open = new Map<string, Open>();

  constructor(timers: Timers, random: Random) {
    this.#timers = timers;
    this.#random = random;
  }

  /** Errors: `link.offline`, `upload.timeout`, `upload.too-many`, or the cloud's own code. */
  ask(request: Omit<Request, "t" | "id">, send: (message: Request) => boolean): Promise<Result<Grant>> {
    if (this.#open.size >= OPEN_MAX) return Promise.resolve(fail("upload.too-many", `${OPEN_MAX} upload requests are already waiting for an answer`));
    const id = `u-${toHex(this.#random.bytes(8))}`;
    return new Promise((resolve) => {
      const settle = (result: Result<Grant>): void => {
        this.#open.get(id)?.timer.cancel();
        this.#open.delete(id);
        resolve(result);
      };
      const late = fail("upload.timeout", `the cloud gave no upload address within ${ANSWER_TIMEOUT_MS} ms`);
      // Registered before sending, because the answer may arrive within the call.
      this.#open.set(id, { timer: this.#timers.after("link.upload-grant", ANSWER_TIMEOUT_MS, () => settle(late)), settle });
      if (!send({ ...request, t: "upload-request", id })) settle(fail("link.offline", "there is no session in which to request an upload address"));
    });
  }

  /** Returns false when no request is waiting for this answer. */
  answer(message: Grant | CloudMessageOf<"upload-refused">): boolean {
    const open = this.#open.get(message.id);
    open?.settle(message.t === "upload-grant" ? ok(message) : fail(foreignCode(message.code), message.message));
    return open !== undefined;
  }

  endAll(): void {
    for (const open of [...this.#open.values()]) open.settle(fail("link.offline", "the session ended before the cloud gave an upload address"));
  }
}
