import { installKioskGuard, installRefusals } from "../../page-api/kiosk-guard.dom.ts";
import { cdpFailure, type CdpClient } from "./cdp-client.ts";

/** Name of our own world in a page's frames. */
export const GUARD_WORLD = "vitrine-guard";

const KEYS = `(${installKioskGuard.toString()})();`;

export interface FrameGuardDeps {
  readonly cdp: CdpClient;
  /** Name of the function by which a document says what it refused. It is taken away before the page's code runs. */
  readonly binding: string;
  readonly saw: (what: "dialog" | "permission", detail: string) => void;
}

/**
 * Puts the kiosk guard into every frame. A frame of another site has a process and a session of its own: it is held
 * before its first document until the guard is in.
 */
export class FrameGuard {
  readonly #deps: FrameGuardDeps;
  readonly #refusals: string;
  /** By session: how to stop listening to it. */
  readonly #frames = new Map<string, readonly (() => void)[]>();

  constructor(deps: FrameGuardDeps) {
    this.#deps = deps;
    this.#refusals = `(${installRefusals.toString()})(${JSON.stringify(deps.binding)});`;
  }

  /** Guards the page, and every frame of another site below it. Resolves when its next document will be guarded. */
  async guardPage(sessionId: string): Promise<void> {
    const { cdp, binding, saw } = this.#deps;
    cdp.on("Runtime.bindingCalled", sessionId, ({ name, payload }) => {
      const [what, ...detail] = payload.slice(0, 240).split(" ");
      if (name === binding) saw(what === "permission" ? "permission" : "dialog", detail.join(" "));
    });
    await Promise.all([cdp.call("Runtime.addBinding", { name: binding }, { sessionId }), this.#guard(sessionId)]);
  }

  async #guard(sessionId: string): Promise<void> {
    const { cdp, saw } = this.#deps;
    const listening = [
      cdp.on("Page.fileChooserOpened", sessionId, () => saw("dialog", "file chooser")),
      cdp.on("Target.attachedToTarget", sessionId, (event) => {
        // Rejects when the frame or worker is gone again.
        (event.targetInfo.type === "iframe" ? this.#guardFrame(event.sessionId) : this.#letGo(event.sessionId, sessionId)).catch(cdpFailure);
      }),
      cdp.on("Target.detachedFromTarget", sessionId, (event) => {
        for (const stop of this.#frames.get(event.sessionId) ?? []) stop();
        this.#frames.delete(event.sessionId);
      }),
    ];
    this.#frames.set(sessionId, listening);
    await Promise.all([
      cdp.call("Page.enable", {}, { sessionId }),
      cdp.call("Page.addScriptToEvaluateOnNewDocument", { source: this.#refusals }, { sessionId }),
      cdp.call("Page.addScriptToEvaluateOnNewDocument", { source: KEYS, worldName: GUARD_WORLD, runImmediately: true }, { sessionId }),
      // Answered with "nothing chosen", before the browser opens a window for it.
      cdp.call("Page.setInterceptFileChooserDialog", { enabled: true, cancel: true }, { sessionId }),
      cdp.call("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: true, filter: [{}] }, { sessionId }),
    ]);
  }

  /** Workers are held like frames, even where the filter names frames alone: then nobody hears of them, and they never run. */
  async #letGo(sessionId: string, parent: string): Promise<void> {
    await this.#deps.cdp.call("Runtime.runIfWaitingForDebugger", undefined, { sessionId });
    await this.#deps.cdp.call("Target.detachFromTarget", { sessionId }, { sessionId: parent });
  }

  async #guardFrame(sessionId: string): Promise<void> {
    try {
      await this.#guard(sessionId);
    } finally {
      await this.#deps.cdp.call("Runtime.runIfWaitingForDebugger", undefined, { sessionId });
    }
  }
}
