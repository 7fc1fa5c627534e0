/** A whole turn of the event loop after this many: rejections nobody heard are told there, and messages of other threads come in. */
const TURN_EVERY = 16;

/**
 * Makes what lets everything run that waits on settled promises, for one simulation. A tick that is asked for from a promise
 * reaction comes when no reaction is left, and costs a tenth of a turn of the event loop.
 */
export function settling(): () => Promise<void> {
  let count = 0;
  return () =>
    new Promise((resolve) => {
      count += 1;
      if (count % TURN_EVERY === 0) setImmediate(resolve);
      else process.nextTick(resolve);
    });
}
