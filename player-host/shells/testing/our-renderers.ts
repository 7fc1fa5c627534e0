import { readdirSync, readFileSync } from "node:fs";

/** Process ids of the renderers that descend from this process. */
export function ourRenderers(): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const stat = read(`/proc/${name}/stat`);
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  const isOurs = (pid: number | undefined): boolean => pid === process.pid || (pid !== undefined && pid > 1 && isOurs(parents.get(pid)));
  return [...parents.keys()].filter((pid) => isOurs(pid) && /(^|[\0 ])--type=renderer([\0 ]|$)/.test(read(`/proc/${pid}/cmdline`)));
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended.
    return "";
  }
}
