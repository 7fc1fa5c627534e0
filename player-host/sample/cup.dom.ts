/** A glass cup with moving liquid and steam, redrawn for every frame; its colours follow the play list. */
export interface Drink {
  readonly liquid: string;
  readonly foam: string;
  readonly glow: string;
}

const FRAME_MS = 33;

export function drawCup(canvas: HTMLCanvasElement, drink: () => Drink): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  let lastMs = -FRAME_MS;
  const frame = (nowMs: number): void => {
    requestAnimationFrame(frame);
    if (nowMs - lastMs < FRAME_MS) return;
    lastMs = nowMs;
    const { clientWidth, clientHeight } = canvas;
    if (canvas.width !== clientWidth) canvas.width = clientWidth;
    if (canvas.height !== clientHeight) canvas.height = clientHeight;
    paint(context, clientWidth, clientHeight, nowMs / 1000, drink());
  };
  requestAnimationFrame(frame);
}

function paint(context: CanvasRenderingContext2D, width: number, height: number, t: number, drink: Drink): void {
  context.clearRect(0, 0, width, height);
  const size = Math.min(width, height * 0.9) * 0.62;
  const [x, y] = [width / 2, height * 0.58];
  glow(context, x, y, Math.min(size, width / 2), drink, t);
  steam(context, x, y - size * 0.5, size, t);
  body(context, x, y, size, t, drink);
}

function glow(context: CanvasRenderingContext2D, x: number, y: number, size: number, drink: Drink, t: number): void {
  const radius = size * (0.96 + 0.03 * Math.sin(t * 0.8));
  const light = context.createRadialGradient(x, y, 0, x, y, radius);
  light.addColorStop(0, `${drink.glow}55`);
  light.addColorStop(1, `${drink.glow}00`);
  context.fillStyle = light;
  context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

function steam(context: CanvasRenderingContext2D, x: number, y: number, size: number, t: number): void {
  context.save();
  context.lineCap = "round";
  for (let wisp = 0; wisp < 3; wisp += 1) {
    const start = x + (wisp - 1) * size * 0.2;
    for (let step = 0; step < 48; step += 1) {
      const rise = (step / 48 + t * 0.09 + wisp * 0.31) % 1;
      const sway = Math.sin(rise * 6 + t * 1.3 + wisp * 2) * size * 0.05 * (0.4 + rise);
      context.globalAlpha = 0.05 * Math.sin(rise * Math.PI);
      context.fillStyle = "#fff6e6";
      context.beginPath();
      context.arc(start + sway, y - rise * size * 0.7, size * (0.03 + 0.05 * rise), 0, Math.PI * 2);
      context.fill();
    }
  }
  context.restore();
}

function body(context: CanvasRenderingContext2D, x: number, y: number, size: number, t: number, drink: Drink): void {
  const [half, tall] = [size * 0.38, size * 0.78];
  const [top, bottom] = [y - tall / 2, y + tall / 2];
  const shape = new Path2D();
  shape.moveTo(x - half, top);
  shape.bezierCurveTo(x - half * 0.98, y + tall * 0.2, x - half * 0.86, bottom, x - half * 0.45, bottom);
  shape.lineTo(x + half * 0.45, bottom);
  shape.bezierCurveTo(x + half * 0.86, bottom, x + half * 0.98, y + tall * 0.2, x + half, top);
  context.save();
  context.clip(shape);
  fill(context, x, top + tall * 0.14, half, bottom, t, drink);
  context.restore();
  context.strokeStyle = "rgb(255 246 230 / 55%)";
  context.lineWidth = Math.max(1.5, size * 0.008);
  context.stroke(shape);
  context.beginPath();
  context.ellipse(x, top, half, half * 0.13, 0, 0, Math.PI * 2);
  context.stroke();
  context.beginPath();
  context.arc(x + half * 1.02, y - tall * 0.04, half * 0.4, -1.25, 1.35);
  context.stroke();
  context.strokeStyle = "rgb(255 255 255 / 28%)";
  context.lineWidth = size * 0.02;
  context.beginPath();
  context.moveTo(x - half * 0.72, top + tall * 0.14);
  context.bezierCurveTo(x - half * 0.72, y, x - half * 0.66, y + tall * 0.16, x - half * 0.56, y + tall * 0.3);
  context.stroke();
}

function fill(context: CanvasRenderingContext2D, x: number, surface: number, half: number, bottom: number, t: number, drink: Drink): void {
  const depth = context.createLinearGradient(0, surface, 0, bottom);
  depth.addColorStop(0, drink.foam);
  depth.addColorStop(0.16, drink.foam);
  depth.addColorStop(0.3, drink.liquid);
  depth.addColorStop(1, "#140a06");
  context.fillStyle = depth;
  context.beginPath();
  context.moveTo(x - half * 1.2, bottom);
  for (let step = 0; step <= 24; step += 1) {
    const across = step / 24;
    const wave = Math.sin(across * 7 + t * 1.6) * half * 0.018 + Math.sin(across * 13 - t * 1.1) * half * 0.01;
    context.lineTo(x - half * 1.2 + across * half * 2.4, surface + wave);
  }
  context.lineTo(x + half * 1.2, bottom);
  context.fill();
  context.fillStyle = drink.foam;
  for (let swirl = 0; swirl < 7; swirl += 1) {
    const at = (t * 0.05 + swirl / 7) % 1;
    context.globalAlpha = 0.2 * Math.sin(at * Math.PI);
    context.beginPath();
    context.ellipse(x + Math.sin(swirl * 2.4 + t * 0.3) * half * 0.6, surface + (bottom - surface) * (0.18 + 0.5 * at), half * 0.22, half * 0.09, 0.4, 0, Math.PI * 2);
    context.fill();
  }
  context.globalAlpha = 1;
}
