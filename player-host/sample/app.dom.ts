import type { PageJsonObject, VitrineApi } from "../contract/page-api.ts";
import { drawCup, type Drink } from "./cup.dom.ts";
import { drawSky } from "./sky.dom.ts";

/**
 * The sample player: a menu board with a play list, a clock and two canvas animations. It uses every
 * part of the page API and works without it (in any browser) as well, as a customer's player should.
 */
interface Slide {
  readonly id: string;
  readonly kicker: string;
  readonly item: string;
  readonly story: string;
  readonly price: number;
  readonly seconds: number;
  readonly drink: Drink;
}

interface Menu {
  readonly title: string;
  readonly subtitle: string;
  readonly currency: string;
  readonly playList: readonly Slide[];
  readonly sections: readonly { readonly name: string; readonly items: readonly (readonly [string, string, number])[] }[];
  readonly ticker: string;
}

const vitrine = (window as unknown as { vitrine?: VitrineApi }).vitrine;
const CALL_MS = 7_000;
const MENU_RETRY_MS = 5_000;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

let refusals = 0;

/** Refused calls (full disk, rate limit) must not stop the board; they are counted in the page's state. */
function tell(promise: Promise<unknown> | undefined): void {
  promise?.catch(() => {
    refusals += 1;
  });
}

function text(id: string, value: string): void {
  element(id).textContent = value;
}

function showClock(): void {
  const now = new Date();
  const [hours, minutes] = [now.getHours(), now.getMinutes()].map((part) => String(part).padStart(2, "0"));
  element("clock").replaceChildren(hours ?? "", Object.assign(document.createElement("i"), { textContent: ":" }), minutes ?? "");
  text("date", now.toLocaleDateString("en", { weekday: "long", day: "numeric", month: "long" }));
  setTimeout(showClock, 1000 - (now.getTime() % 1000));
}

function showMenu(menu: Menu): void {
  text("title", menu.title);
  text("subtitle", menu.subtitle);
  text("ticker", menu.ticker);
  element("menu").replaceChildren(
    ...menu.sections.map((section) => {
      const box = document.createElement("div");
      const list = document.createElement("dl");
      box.append(Object.assign(document.createElement("h3"), { textContent: section.name }), list);
      for (const [name, note, price] of section.items) list.append(menuRow(name, note, price));
      return box;
    }),
  );
  element("progress").replaceChildren(...menu.playList.map(() => document.createElement("li")));
}

function menuRow(name: string, note: string, price: number): HTMLElement {
  const row = Object.assign(document.createElement("div"), { className: "row" });
  row.dataset["item"] = name;
  const term = Object.assign(document.createElement("dt"), { textContent: name });
  if (note !== "") term.append(Object.assign(document.createElement("small"), { textContent: note }));
  row.append(term, Object.assign(document.createElement("span"), { className: "dots" }), Object.assign(document.createElement("dd"), { textContent: price.toFixed(2) }));
  return row;
}

function showSlide(menu: Menu, at: number): void {
  const slide = menu.playList[at];
  if (slide === undefined) return;
  const words = document.querySelector(".words");
  words?.classList.add("leaving");
  setTimeout(() => {
    text("kicker", slide.kicker);
    text("item", slide.item);
    text("story", slide.story);
    text("price", `${menu.currency} ${slide.price.toFixed(2)}`);
    words?.classList.remove("leaving");
  }, 600);
  drink = slide.drink;
  for (const row of document.querySelectorAll<HTMLElement>("#menu .row")) row.classList.toggle("lit", row.dataset["item"] === slide.item);
  for (const [index, bar] of [...document.querySelectorAll<HTMLElement>("#progress li")].entries()) {
    bar.className = index < at ? "done" : index === at ? "now" : "";
    bar.style.setProperty("--length", `${slide.seconds}s`);
  }
  tell(vitrine?.reportState({ slide: slide.id, position: at + 1, of: menu.playList.length, orders, refusals }));
}

/** Plays the list for ever and reports a proof of play for every item shown to its end. */
function play(menu: Menu, at: number): void {
  const slide = menu.playList[at % menu.playList.length];
  if (slide === undefined) return;
  const startedMs = Date.now();
  const started = performance.now();
  showSlide(menu, at % menu.playList.length);
  setTimeout(() => {
    const durationMs = Math.round(performance.now() - started);
    tell(vitrine?.reportPlay({ item: slide.id, startedMs, durationMs, result: "completed" }));
    play(menu, at + 1);
  }, slide.seconds * 1000);
}

let orders = 0;
let callTimer: ReturnType<typeof setTimeout> | undefined;

/** Shows the big number, triggered by a button on the counter (GPIO) or a message from the till. */
function callOrder(number: number, by: string): void {
  orders += 1;
  text("order", String(number));
  element("call").hidden = false;
  clearTimeout(callTimer);
  callTimer = setTimeout(() => {
    element("call").hidden = true;
  }, CALL_MS);
  tell(vitrine?.emit("order.called", { number, by }));
}

async function showDevice(api: VitrineApi): Promise<void> {
  const device = await api.device();
  text("device", device.name ?? device.id.slice(0, 8));
  element("device").classList.toggle("online", device.online);
}

function connect(api: VitrineApi, menu: Menu): void {
  // The owner's configuration may rename the board; the rest of it is the menu's own business.
  const apply = (config: PageJsonObject): void => {
    for (const id of ["title", "subtitle", "ticker"] as const) text(id, typeof config[id] === "string" ? config[id] : menu[id]);
  };
  tell(api.config().then(apply));
  api.onConfig(apply);
  api.onMessage((message) => {
    const number = typeof message === "object" && message !== null ? (message as PageJsonObject)["order"] : undefined;
    if (typeof number === "number") callOrder(number, "message");
  });
  api.onGpio((edge) => {
    if (edge.level === 1) callOrder(100 + ((orders + 1) % 900), edge.line);
  });
  const refresh = (): void => {
    tell(showDevice(api));
    setTimeout(refresh, 15_000);
  };
  refresh();
}

let drink: Drink = { liquid: "#7a4a28", foam: "#f3dfc1", glow: "#f2b866" };

/** Loads the menu. On failure the board shows that it has no menu, and retries. */
async function loadMenu(): Promise<Menu> {
  for (;;) {
    try {
      return (await (await fetch("menu.json")).json()) as Menu;
    } catch (error) {
      text("item", "The menu is on its way");
      text("story", String(error));
      await new Promise((resolve) => setTimeout(resolve, MENU_RETRY_MS));
    }
  }
}

async function start(): Promise<void> {
  const menu = await loadMenu();
  showMenu(menu);
  showClock();
  drawSky(element("sky") as HTMLCanvasElement);
  drawCup(element("cup") as HTMLCanvasElement, () => drink);
  if (vitrine !== undefined) connect(vitrine, menu);
  play(menu, 0);
}

void start();
