/** The process behind `buildApart`: builds the tree its argument names and reports over IPC. */
import { messageOf } from "../../platform/ports/result.ts";
import { build } from "./build.ts";

/** Whoever wanted the build is gone. */
const alone = (): never => process.exit(1);
process.once("disconnect", alone);
try {
  const report = await build(process.argv[2] ?? "");
  process.off("disconnect", alone);
  process.send?.(report, () => process.disconnect());
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exit(1);
}
