import { installKioskGuard, installRefusals } from "../../page-api/kiosk-guard.dom.ts";
import { cdpFailure, type CdpClient } from "./cdp-client.ts";

/** Name of our isolated world in a page's frames. */
export const GUARD_WORLD = "vitrine-guard";

const KEYS = `(${installKioskGuard.toString()})();`;

export interface FrameGuardDeps {
  readonly cdp: CdpClient;
  /** Name of the binding by which a document reports what it refused. Removed before the page's code runs. */
  readonly binding: string;
  readonly saw: (what: "dialog" | "permission", detail: string) => void;
}

/**
 * Installs the kiosk guard in every frame. A frame of another site has its own process and session, which is paused before
 * its first document until the guard is installed.
 */
export class FrameGuard {
  readonly #deps: FrameGuardDeps;
  readonly #refusals: string;
  /** Unsubscribe functions by session. */
  readonly #frames = new Map<string, readonly (() => void)[]>();

  constructor(deps: FrameGuardDeps) {
    this.#deps = deps;
    this.#refusals = `(${installRefusals.toString()})(${JSON.stringify(deps.binding)});`;
  }

  /** Guards the page and every frame of another site in it. Once it resolves, the page's next document is guarded. */
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
        // Rejects when the frame or worker is already gone.
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
      // Cancelled before the browser opens a window for it.
      cdp.call("Page.setInterceptFileChooserDialog", { enabled: true, cancel: true }, { sessionId }),
      cdp.call("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: true, filter: [{}] }, { sessionId }),
    ]);
  }

  /** Resumes a worker. Workers are paused like frames; a filter that names only frames would pause them without an event. */
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
