/** A pin of the 40-pin header. Odd numbers are on the left, even ones on the right. */
export interface Pin {
  readonly number: number;
  readonly kind: "power" | "ground" | "line" | "id";
  /** `GPIO17`, `3V3`, `5V`, `GND`. */
  readonly label: string;
}

const LABELS =
  "3V3 5V GPIO2 5V GPIO3 GND GPIO4 GPIO14 GND GPIO15 GPIO17 GPIO18 GPIO27 GND GPIO22 GPIO23 3V3 GPIO24 GPIO10 GND " +
  "GPIO9 GPIO25 GPIO11 GPIO8 GND GPIO7 ID_SD ID_SC GPIO5 GND GPIO6 GPIO12 GPIO13 GND GPIO19 GPIO16 GPIO26 GPIO20 GND GPIO21";

export const HEADER_PINS: readonly Pin[] = LABELS.split(" ").map((label, index) => ({ number: index + 1, label, kind: kindOf(label) }));

function kindOf(label: string): Pin["kind"] {
  if (label === "GND") return "ground";
  if (label.startsWith("GPIO")) return "line";
  return label.startsWith("ID") ? "id" : "power";
}
