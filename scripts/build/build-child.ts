/** The child process of `buildApart`: builds the tree named by its argument and reports over IPC. */
import { messageOf } from "../../platform/ports/result.ts";
import { build } from "./build.ts";

/** The parent is gone. */
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
