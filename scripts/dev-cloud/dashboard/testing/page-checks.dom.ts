/** Accessibility checks that run inside the page under test, without a library. */

/** Returns everything wrong on the page, one line each. */
export function check(): string[] {
  return [...unnamedControls(), ...wrongReferences(), ...badImages(), ...landmarks(), ...lowContrast(), ...overflow(), ...doubleIds()];
}

function isShown(element: Element): boolean {
  return element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true });
}

function unnamedControls(): string[] {
  const controls = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=slider], [role=switch], dialog, meter, progress")];
  return controls.filter((control) => isShown(control) && nameOf(control) === "").map((control) => `no name: ${describe(control)}`);
}

/** The accessible name, from the sources that these pages use. */
function nameOf(element: Element): string {
  const by = element.getAttribute("aria-labelledby");
  if (by !== null) return by.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const label = element.getAttribute("aria-label");
  if (label !== null && label.trim() !== "") return label.trim();
  if (element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement) {
    const labels = [...(element.labels ?? [])].map((item) => item.textContent ?? "").join(" ").trim();
    return labels === "" ? element.title : labels;
  }
  return (element.textContent ?? "").trim() || (element.getAttribute("title") ?? "");
}

function wrongReferences(): string[] {
  return [...document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for]")].flatMap((element) =>
    ["aria-describedby", "aria-labelledby", "for"].flatMap((attribute) =>
      (element.getAttribute(attribute) ?? "").split(" ").filter((id) => id !== "" && document.getElementById(id) === null).map((id) => `${attribute} names ${id}, which is not there: ${describe(element)}`),
    ),
  );
}

function badImages(): string[] {
  return [...document.images].filter((image) => image.getAttribute("alt") === null).map((image) => `image without alt: ${describe(image)}`);
}

function landmarks(): string[] {
  const found: string[] = [];
  if (document.querySelectorAll("main").length !== 1) found.push("not exactly one main");
  if (document.querySelectorAll("header.site-header").length !== 1) found.push("no header");
  const headings = [...document.querySelectorAll("h1")].filter(isShown);
  if (headings.length !== 1) found.push(`${headings.length} h1`);
  if (document.documentElement.lang === "") found.push("no language");
  let last = 1;
  for (const heading of document.querySelectorAll("main h1, main h2, main h3, main h4")) {
    const level = Number(heading.tagName[1]);
    if (isShown(heading) && level > last + 1 && heading.closest("aside") === null) found.push(`h${level} after h${last}: ${describe(heading)}`);
    if (isShown(heading)) last = level;
  }
  return found;
}

function overflow(): string[] {
  const { scrollWidth } = document.documentElement;
  return scrollWidth > innerWidth ? [`the page is ${scrollWidth - innerWidth} px too wide`] : [];
}

function doubleIds(): string[] {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `the id ${id} is there twice`);
}

type Colour = readonly [number, number, number, number];

/** Contrast of text against its background: at least 4.5 to 1, for large text 3 to 1. */
function lowContrast(): string[] {
  const found = new Set<string>();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (element === null || (node.textContent ?? "").trim() === "" || !isShown(element) || element.closest(".sr-only, .tv, option, .is-gone, :disabled, select, :disabled + *, svg") !== null) continue;
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const ratio = contrast(over(parse(style.color), ground), ground);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.add(`contrast ${ratio.toFixed(2)}: ${describe(element)} ${style.color} on ${ground.slice(0, 3).map(Math.round).join(",")}`);
  }
  return [...found];
}

function groundOf(element: Element): Colour {
  const layers: Colour[] = [];
  for (let at: Element | null = element; at !== null; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1] as Colour);
}

function over(top: Colour, below: Colour): Colour {
  const mix = (index: 0 | 1 | 2): number => top[index] * top[3] + below[index] * (1 - top[3]);
  return [mix(0), mix(1), mix(2), 1];
}

function parse(text: string): Colour {
  const numbers = (/\(([^)]*)\)/.exec(text)?.[1] ?? "").split(/[\s,/]+/).filter((part) => part !== "").map(Number);
  return [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0, numbers[3] ?? 1];
}

function contrast(one: Colour, other: Colour): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((left, right) => right - left);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance([red, green, blue]: Colour): number {
  const part = (value: number): number => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
}

function describe(element: Element): string {
  const name = typeof element.className === "string" && element.className !== "" ? `.${element.className.trim().replaceAll(/\s+/g, ".")}` : "";
  return `<${element.tagName.toLowerCase()}${name}> ${(element.textContent ?? "").trim().slice(0, 40)}`;
}
