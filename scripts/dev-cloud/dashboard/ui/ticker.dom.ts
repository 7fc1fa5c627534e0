/** Texts that depend on the time, each made again once a second as long as it is in the page. */
const ticking = new Set<() => boolean>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Keeps `element`'s text at what `text` says. Ends by itself when the element leaves the page. */
export function tick(element: HTMLElement, text: () => string): HTMLElement {
  let wasThere = false;
  const show = (): boolean => {
    const now = text();
    if (element.textContent !== now) element.textContent = now;
    wasThere ||= element.isConnected;
    return element.isConnected || !wasThere;
  };
  show();
  ticking.add(show);
  timer ??= setInterval(tickAll, 1_000);
  return element;
}

function tickAll(): void {
  for (const show of [...ticking]) if (!show()) ticking.delete(show);
  if (ticking.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
