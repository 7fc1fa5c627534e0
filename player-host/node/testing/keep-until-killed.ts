/** Keeps the messages that come as JSON in the second argument, in the spool named by the first, says so, and stays until it is killed. */
import { silentLog } from "../../../platform/ports/log.ts";
import { PageSpool, type SpooledMessage } from "../../host/page-spool.ts";
import { FileSpoolStore } from "../file-spool-store.ts";

const [path = "", messages = "[]"] = process.argv.slice(2);
const spool = new PageSpool(new FileSpoolStore(path), silentLog);
await spool.open();
for (const message of JSON.parse(messages) as SpooledMessage[]) await spool.append(message);
process.stdout.write("kept\n");
process.stdin.resume();
