/**
 * The style of our own pages: legible at five metres in both orientations, and dark, so that an error does not
 * light up a shop window at night. Everything drifts by a few pixels over minutes to prevent burn-in.
 */
export const SCREEN_STYLE = `
*{box-sizing:border-box;margin:0;padding:0}
html,body{height:100%;overflow:hidden;background:#070b14;color:#e6edf7;cursor:none}
body{font-family:system-ui,"Segoe UI",Roboto,"Noto Sans",Cantarell,sans-serif;display:flex;align-items:center;justify-content:center;
background:radial-gradient(120vmax 90vmax at 18% 8%,#16233f 0,rgba(16,26,47,0) 60%),radial-gradient(110vmax 90vmax at 88% 96%,#0d2b36 0,rgba(9,22,32,0) 58%),#070b14}
.sky{position:fixed;inset:-20vmax;background:radial-gradient(45vmax 45vmax at 30% 40%,rgba(86,142,255,.13),transparent 70%),radial-gradient(40vmax 40vmax at 72% 62%,rgba(52,211,190,.10),transparent 70%);animation:drift 90s ease-in-out infinite alternate}
main{position:relative;display:flex;align-items:center;gap:8vmin;padding:6vmin;max-width:100%;animation:orbit 240s linear infinite}
.text{display:flex;flex-direction:column;gap:2.6vmin;min-width:0;max-width:120vmin}
.eyebrow{display:flex;align-items:center;gap:1.6vmin;font-size:2.5vmin;letter-spacing:.24em;text-transform:uppercase;color:#8fa3c4;font-weight:600}
.dot{width:1.6vmin;height:1.6vmin;border-radius:50%;background:#5eead4;animation:breathe 3.2s ease-in-out infinite}
.warn .dot{background:#fbbf24}.bad .dot{background:#fb7185}
h1{font-size:6.4vmin;line-height:1.12;font-weight:650;letter-spacing:-.015em;text-wrap:balance}
p{font-size:3.3vmin;line-height:1.4;color:#b6c4dc;text-wrap:pretty;overflow-wrap:anywhere}
.code{font-size:15vmin;line-height:1;font-weight:700;letter-spacing:.1em;font-variant-numeric:tabular-nums;font-family:ui-monospace,"SF Mono","DejaVu Sans Mono","Noto Sans Mono",monospace;
color:#f8fbff;white-space:nowrap;text-shadow:0 0 6vmin rgba(94,170,255,.35)}
.code.long{font-size:9vmin}
.status{display:flex;gap:1.8vmin;align-items:baseline;font-size:2.9vmin;color:#cdd8ea;padding:1.8vmin 2.6vmin;border-radius:2vmin;background:rgba(148,176,222,.09);border:1px solid rgba(148,176,222,.16)}
.meta{font-size:2.1vmin;color:#7486a5;font-family:ui-monospace,"DejaVu Sans Mono",monospace;letter-spacing:.04em;overflow-wrap:anywhere}
.status .meta{font-size:2.9vmin;color:#fda4af}
.keys{display:grid;grid-template-columns:auto 1fr;gap:1vmin 3vmin;align-items:baseline;font-size:3.3vmin}
.keys dt{color:#8fa3c4}.keys dd{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:4.2vmin;font-weight:600;color:#f8fbff;overflow-wrap:anywhere}
.card{flex:none;background:#fff;border-radius:3vmin;padding:1vmin;box-shadow:0 3vmin 10vmin rgba(0,0,0,.45)}
.qr{display:block;width:38vmin;height:38vmin;border-radius:2.2vmin}
.glyph{flex:none;width:30vmin;height:30vmin;color:#8fb4ff}
.warn .glyph{color:#fbbf24}.bad .glyph{color:#fb7185}
.pulse{animation:breathe 3.2s ease-in-out infinite}
.wave{stroke-dasharray:1;animation:wave 4.8s ease-in-out infinite}
.wave:nth-of-type(2){animation-delay:.5s}.wave:nth-of-type(3){animation-delay:1s}
@keyframes breathe{0%,100%{opacity:.35}50%{opacity:1}}
@keyframes wave{0%,100%{opacity:.22}45%{opacity:.95}}
@keyframes drift{from{transform:translate3d(-4vmax,-3vmax,0) rotate(0)}to{transform:translate3d(5vmax,4vmax,0) rotate(14deg)}}
@keyframes orbit{0%{transform:translate(-1.2vmin,-.8vmin)}25%{transform:translate(1.2vmin,-.6vmin)}50%{transform:translate(1vmin,.9vmin)}75%{transform:translate(-1vmin,.7vmin)}100%{transform:translate(-1.2vmin,-.8vmin)}}
@media (max-aspect-ratio:1/1){main{flex-direction:column-reverse;text-align:center}.text{align-items:center}.qr{width:56vmin;height:56vmin}.glyph{width:38vmin;height:38vmin}.code{font-size:17vmin}.code.long{font-size:10vmin}}
@media (prefers-reduced-motion:reduce){.sky,.dot,.pulse,.wave{animation:none}}
`;
