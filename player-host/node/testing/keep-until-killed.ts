/** Adds the messages in the second argument (JSON) to the spool named by the first, reports it, and waits to be killed. */
import { silentLog } from "../../../platform/ports/log.ts";
import { PageSpool } from "../../host/page-spool.ts";
import type { SpooledMessage } from "../../host/spool-lines.ts";
import { FileSpoolStore } from "../file-spool-store.ts";

const [path = "", messages = "[]"] = process.argv.slice(2);
const spool = new PageSpool(new FileSpoolStore(path), silentLog);
await spool.open();
for (const message of JSON.parse(messages) as SpooledMessage[]) await spool.append(message);
process.stdout.write("kept\n");
process.stdin.resume();
