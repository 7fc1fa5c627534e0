/** Reference peer for commands: connects to a WebSocket address and echoes every frame. `echo.ts ADDRESS` */
import { WebSocket } from "ws";

const socket = new WebSocket(process.argv[2] ?? "", { perMessageDeflate: false });
socket.on("open", () => (socket as unknown as { _socket: { setNoDelay(on: boolean): void } })._socket.setNoDelay(true));
socket.on("message", (data: Buffer) => socket.send(data.toString("utf8")));
socket.on("close", () => process.exit(0));
