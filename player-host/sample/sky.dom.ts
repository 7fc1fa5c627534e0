/** Slow ribbons of light. Drawn at a third of the size, 20 times a second: enough for soft shapes, and affordable on small devices. */
const SCALE = 3;
const FRAME_MS = 50;

const RIBBONS = [
  { hue: 28, base: 0.3, swing: 0.1, speed: 0.00007, width: 0.24 },
  { hue: 168, base: 0.5, swing: 0.13, speed: 0.00005, width: 0.3 },
  { hue: 262, base: 0.72, swing: 0.09, speed: 0.00009, width: 0.22 },
];

export function drawSky(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  let lastMs = -FRAME_MS;
  const fit = (): void => {
    canvas.width = Math.max(1, Math.round(innerWidth / SCALE));
    canvas.height = Math.max(1, Math.round(innerHeight / SCALE));
  };
  fit();
  addEventListener("resize", fit);
  const frame = (nowMs: number): void => {
    requestAnimationFrame(frame);
    if (nowMs - lastMs < FRAME_MS) return;
    lastMs = nowMs;
    paint(context, canvas.width, canvas.height, nowMs);
  };
  requestAnimationFrame(frame);
}

function paint(context: CanvasRenderingContext2D, width: number, height: number, nowMs: number): void {
  const night = context.createLinearGradient(0, 0, width, height);
  night.addColorStop(0, "#131a26");
  night.addColorStop(1, "#0a0d13");
  context.globalCompositeOperation = "source-over";
  context.fillStyle = night;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "lighter";
  for (const ribbon of RIBBONS) {
    for (let column = 0; column < 11; column += 1) {
      const x = (column / 10) * width;
      const phase = nowMs * ribbon.speed * Math.PI * 2;
      const y = height * (ribbon.base + ribbon.swing * Math.sin(column * 0.66 + phase) + 0.04 * Math.sin(column * 1.8 - phase * 1.7));
      const glow = context.createRadialGradient(x, y, 0, x, y, height * ribbon.width);
      glow.addColorStop(0, `hsl(${ribbon.hue} 70% 52% / 0.11)`);
      glow.addColorStop(1, "transparent");
      context.fillStyle = glow;
      context.fillRect(x - height * ribbon.width, y - height * ribbon.width, 2 * height * ribbon.width, 2 * height * ribbon.width);
    }
  }
}
