import type { Reading } from "./reading.ts";

/** A video mode as reported by the kernel, e.g. `{ width: 1920, height: 1080, refreshHz: 60 }`. */
export interface OutputMode {
  readonly width: number;
  readonly height: number;
  readonly refreshHz: number;
}

/** Identity of the sink, from its EDID. */
export interface EdidIdentity {
  /** Three-letter PNP id, e.g. `SAM`. */
  readonly manufacturer: string;
  /** Product code, 0 to 65535. */
  readonly product: number;
  readonly serial: string;
  readonly name: string;
}

export interface Output {
  /** Connector name, e.g. `HDMI-A-1`. */
  readonly name: string;
  readonly connected: Reading<boolean>;
  readonly enabled: Reading<boolean>;
  readonly mode: Reading<OutputMode>;
  /** Kernel DPMS state of the connector. */
  readonly dpms: Reading<"on" | "off">;
  readonly edid: Reading<EdidIdentity>;
}

/** Our side of the video cable: connectors as the kernel sees them. */
export interface Outputs {
  list(): Promise<readonly Output[]>;
  /** Calls back after a hot-plug event; returns the unsubscribe function. The callback re-reads with `list`. */
  onChange(changed: () => void): () => void;
}
