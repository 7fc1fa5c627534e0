/** A size for people and for change detection: the power of two at or below `bytes`, 0 below `floorBytes`. */
export function bucketedBytes(bytes: number, floorBytes: number): number {
  if (bytes < floorBytes) return 0;
  return 2 ** Math.floor(Math.log2(bytes));
}
