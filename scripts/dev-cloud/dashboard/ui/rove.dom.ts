export interface Rove {
  /** Call after items were added, removed or moved. */
  refresh(): void;
}

/**
 * Roving focus for a grid: arrow keys move between items by their position on screen, Home and End to the ends.
 * Only the controls of the current item can be reached with Tab.
 */
export function roveGrid(grid: HTMLElement, itemSelector: string, handleSelector: string): Rove {
  let current: HTMLElement | undefined;
  const items = (): HTMLElement[] => [...grid.querySelectorAll<HTMLElement>(itemSelector)];

  const refresh = (): void => {
    const all = items();
    if (current === undefined || !all.includes(current)) current = all[0];
    for (const item of all) for (const control of item.querySelectorAll<HTMLElement>("a, button")) control.tabIndex = item === current ? 0 : -1;
  };
  const go = (item: HTMLElement | undefined): void => {
    if (item === undefined) return;
    current = item;
    refresh();
    item.querySelector<HTMLElement>(handleSelector)?.focus();
  };

  grid.addEventListener("focusin", (event) => {
    const item = event.target instanceof Element ? event.target.closest<HTMLElement>(itemSelector) : null;
    if (item === null || item === current) return;
    current = item;
    refresh();
  });
  grid.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || current === undefined) return;
    const target = nextItem(items(), current, event.key);
    if (target === undefined) return;
    event.preventDefault();
    go(target);
  });
  return { refresh };
}

/** Left and right follow reading order; up and down go to the nearest item of the next row. */
function nextItem(items: readonly HTMLElement[], from: HTMLElement, key: string): HTMLElement | undefined {
  const at = items.indexOf(from);
  switch (key) {
    case "ArrowRight":
      return items[at + 1];
    case "ArrowLeft":
      return items[at - 1];
    case "Home":
      return items[0];
    case "End":
      return items.at(-1);
    case "ArrowDown":
    case "ArrowUp": {
      const box = from.getBoundingClientRect();
      const inDirection = items.filter((item) => {
        const { top } = item.getBoundingClientRect();
        return key === "ArrowDown" ? top > box.top + 1 : top < box.top - 1;
      });
      const distance = (item: HTMLElement): number => {
        const other = item.getBoundingClientRect();
        return Math.abs(other.top - box.top) * 10 + Math.abs(other.left - box.left);
      };
      return inDirection.sort((left, right) => distance(left) - distance(right))[0];
    }
    default:
      return undefined;
  }
}
