import type { PageDeviceInfo, PageJson, PageJsonObject, PagePlay, VitrineApi } from "../contract/page-api.ts";

/** Connects the page's side to the host. `receive` takes texts from the host; returns the function that sends texts to it. */
export type ConnectToHost = (receive: (text: string) => void) => (text: string) => void;

/**
 * Installs `window.vitrine` in a page. Runs in the page's main world before any code of the page. It is passed
 * as text (`toString`), so it must not reference anything outside itself. The page can only harm itself by
 * tampering with it: the host checks every call again.
 */
export function installPageApi(connect: ConnectToHost): void {
  const CALLS_PER_SECOND = 50;
  const BURST = 200;
  const CALL_BYTES_MAX = 8 * 1024;
  const OPEN_MAX = 500;
  const ANSWER_TIMEOUT_MS = 30_000;
  const ERRORS_PER_MINUTE = 20;

  interface Open {
    readonly resolve: (value: unknown) => void;
    readonly reject: (error: Error) => void;
    readonly timer: unknown;
  }
  interface FromHost {
    readonly t?: string;
    readonly id?: number;
    readonly ok?: boolean;
    readonly value?: unknown;
    readonly code?: string;
    readonly message?: unknown;
    readonly config?: PageJsonObject;
    readonly line?: string;
    readonly level?: 0 | 1;
  }
  interface Surroundings {
    readonly setTimeout: (run: () => void, delayMs: number) => unknown;
    readonly clearTimeout: (timer: unknown) => void;
    readonly performance: { now(): number };
    readonly addEventListener: (type: string, listener: (event: ErrorLike) => void, capture: boolean) => void;
  }
  interface ErrorLike {
    readonly message?: unknown;
    readonly reason?: unknown;
    readonly filename?: string;
    readonly lineno?: number;
  }

  const scope = globalThis as unknown as Surroundings & Record<PropertyKey, unknown>;
  const { stringify, parse } = JSON;
  const encoder = new TextEncoder();

  class VitrineError extends Error {
    override readonly name = "VitrineError";
    readonly code: string;
    constructor(code: string, message: string) {
      super(message);
      this.code = code;
    }
  }

  const open = new Map<number, Open>();
  const configListeners = new Set<(config: PageJsonObject) => void>();
  const messageListeners = new Set<(message: PageJson) => void>();
  const gpioListeners = new Set<(edge: { readonly line: string; readonly level: 0 | 1 }) => void>();
  const refusals = new Map<string, number>();
  let lastId = 0;
  let tokens = BURST;
  let tokensAtMs = scope.performance.now();
  let refusalsTimer = false;

  const send = connect(receive);

  function takeToken(): boolean {
    const nowMs = scope.performance.now();
    tokens = Math.min(BURST, tokens + ((nowMs - tokensAtMs) / 1000) * CALLS_PER_SECOND);
    tokensAtMs = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  /** Counts refusals here and reports them once a second: a flood must cost the page, not the device. */
  function refuse(code: string, message: string): Promise<never> {
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
    if (!refusalsTimer) {
      refusalsTimer = true;
      scope.setTimeout(() => {
        refusalsTimer = false;
        send(stringify({ id: 0, do: "refused", counts: Object.fromEntries(refusals) }));
        refusals.clear();
      }, 1_000);
    }
    return Promise.reject(new VitrineError(code, message));
  }

  function call(body: Record<string, unknown>): Promise<unknown> {
    const id = (lastId += 1);
    let text: string;
    try {
      text = stringify({ ...body, id });
    } catch (thrown) {
      // A cycle or a BigInt: reported to the caller as its mistake.
      return refuse("page.invalid", thrown instanceof Error ? thrown.message : "not JSON");
    }
    if (text.length > CALL_BYTES_MAX || encoder.encode(text).length > CALL_BYTES_MAX) {
      return refuse("page.too-large", `a call has at most ${CALL_BYTES_MAX} bytes`);
    }
    if (!takeToken()) return refuse("page.rate-limited", `at most ${CALLS_PER_SECOND} calls a second, ${BURST} at once`);
    if (open.size >= OPEN_MAX) return refuse("page.rate-limited", `${OPEN_MAX} calls are waiting for their answer`);
    return new Promise((resolve, reject) => {
      const timer = scope.setTimeout(() => {
        open.delete(id);
        reject(new VitrineError("page.unavailable", "the player host did not answer in time"));
      }, ANSWER_TIMEOUT_MS);
      open.set(id, { resolve, reject, timer });
      send(text);
    });
  }

  function receive(text: string): void {
    const message = parse(text) as FromHost;
    if (message.t === "reply") answer(message);
    else if (message.t === "config") tell(configListeners, message.config ?? {});
    else if (message.t === "message") tell(messageListeners, (message.message ?? null) as PageJson);
    else if (message.t === "gpio" && message.line !== undefined) tell(gpioListeners, { line: message.line, level: message.level ?? 0 });
  }

  function answer(message: FromHost): void {
    const id = message.id ?? 0;
    const waiting = open.get(id);
    if (waiting === undefined) return;
    open.delete(id);
    scope.clearTimeout(waiting.timer);
    if (message.ok === true) waiting.resolve(message.value);
    else waiting.reject(new VitrineError(message.code ?? "page.unavailable", typeof message.message === "string" ? message.message : "refused"));
  }

  /** Calls each listener in its own task: one that throws does not affect the others, and the page's error handling sees it. */
  function tell<T>(listeners: Set<(value: T) => void>, value: T): void {
    for (const listener of listeners) {
      scope.setTimeout(() => {
        if (listeners.has(listener)) listener(value);
      }, 0);
    }
  }

  function listen<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): () => void {
    if (typeof listener !== "function") throw new TypeError("a listener is a function");
    const own = (value: T): void => listener(value);
    listeners.add(own);
    return () => {
      listeners.delete(own);
    };
  }

  async function nothing(work: Promise<unknown>): Promise<void> {
    await work;
  }

  let errorsLeft = ERRORS_PER_MINUTE;
  let errorsTimer = false;
  /** Sends uncaught errors of the page to the device's log, because nobody opens a console on a wall. */
  function reportError(message: string): void {
    if (!errorsTimer) {
      errorsTimer = true;
      scope.setTimeout(() => {
        errorsTimer = false;
        errorsLeft = ERRORS_PER_MINUTE;
      }, 60_000);
    }
    if (errorsLeft <= 0) return;
    errorsLeft -= 1;
    send(stringify({ id: 0, do: "error", message: message.slice(0, 500) }));
  }
  scope.addEventListener(
    "error",
    ({ message, filename, lineno }) => {
      // Images and scripts that fail to load end up here too, without a message.
      if (typeof message === "string") reportError(`${message} (${String(filename)}:${String(lineno)})`);
    },
    true,
  );
  scope.addEventListener("unhandledrejection", ({ reason }) => reportError(`unhandled rejection: ${String(reason)}`), true);

  const api: VitrineApi = Object.freeze({
    version: 1,
    device: () => call({ do: "device" }) as Promise<PageDeviceInfo>,
    config: () => call({ do: "config" }) as Promise<PageJsonObject>,
    onConfig: (listener: (config: PageJsonObject) => void) => listen(configListeners, listener),
    reportState: (state: PageJsonObject) => nothing(call({ do: "report-state", state })),
    emit: (name: string, data?: PageJsonObject) => nothing(call({ do: "emit", name, data })),
    reportPlay: (play: PagePlay) => nothing(call({ do: "report-play", play })),
    onMessage: (listener: (message: PageJson) => void) => listen(messageListeners, listener),
    onGpio: (listener: (edge: { readonly line: string; readonly level: 0 | 1 }) => void) => {
      const undo = listen(gpioListeners, listener);
      call({ do: "watch-gpio" }).catch(() => {
        // Not granted: the host has counted it, `device().grants` shows it, and the listener is never called.
      });
      return undo;
    },
  });
  Object.defineProperty(scope, "vitrine", { value: api, enumerable: true, writable: false, configurable: false });
}
