import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Draws in every frame and sends the times of its frames. A reload makes another `load`. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>frames</title><body style="margin:0;background:#024"><div id="box" style="width:200px;height:200px;background:#fc0"></div><script>
const load = Math.random().toString(36).slice(2);
let times = [];
function frame(at) {
  times.push(performance.timeOrigin + at);
  document.getElementById("box").style.transform = "translateX(" + (at / 10) % 600 + "px)";
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
setInterval(() => {
  const sent = times;
  times = [];
  fetch("/frames", { method: "POST", body: JSON.stringify({ load, times: sent }), keepalive: true }).catch(() => { times = sent.concat(times); });
}, 500);
</script>`;

/** A gap of more than so many usual times lacks a frame. */
const LOST_FROM = 1.5;

/** Frames in an interval: their number, how many were left out in its gaps, the longest time between two, ms, and the loads of the page that drew them. */
export interface FramesSeen {
  readonly frames: number;
  readonly lost: number;
  readonly longestMs: number;
  readonly loads: readonly string[];
}

/** Serves a moving page on loopback and takes the times at which its frames were begun (wall clock, ms). */
export class FramePage {
  readonly #server: Server;
  readonly #frames: { readonly load: string; readonly at: number }[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      if (request.method !== "POST") return void response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
      let text = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      request.on("end", () => {
        const { load, times } = JSON.parse(text) as { load: string; times: number[] };
        for (const at of times) this.#frames.push({ load, at });
        response.writeHead(204).end();
      });
    });
  }

  static async start(): Promise<FramePage> {
    const server = createServer();
    await new Promise<void>((done) => {
      server.listen(0, "127.0.0.1", done);
    });
    return new FramePage(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** When the last frame so far was begun. */
  get lastMs(): number {
    return this.#frames.at(-1)?.at ?? 0;
  }

  /** Usual time between two frames, ms: the median of all so far. */
  get usualMs(): number {
    const gaps = gapsOf(this.#frames.map(({ at }) => at)).sort((a, b) => a - b);
    const median = gaps[Math.floor(gaps.length / 2)];
    if (median === undefined) throw new Error("the page has not drawn two frames yet");
    return median;
  }

  /** Frames from one moment to another. The time to the first and from the last counts too. */
  between(fromMs: number, toMs: number): FramesSeen {
    const seen = this.#frames.filter(({ at }) => at >= fromMs && at <= toMs);
    const gaps = gapsOf([fromMs, ...seen.map(({ at }) => at), toMs]);
    const { usualMs } = this;
    const lost = gaps.filter((gap) => gap > LOST_FROM * usualMs).reduce((sum, gap) => sum + Math.round(gap / usualMs) - 1, 0);
    return { frames: seen.length, lost, longestMs: gaps.reduce((most, gap) => Math.max(most, gap)), loads: [...new Set(seen.map(({ load }) => load))] };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((done) => {
      this.#server.close(() => done());
    });
  }
}

function gapsOf(times: readonly number[]): number[] {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted.slice(1).map((at, index) => at - (sorted[index] ?? at));
}
