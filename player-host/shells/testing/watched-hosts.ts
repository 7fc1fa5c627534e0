import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";

/** A host on loopback that answers every kind of request: text, picture, frame, event stream, WebSocket. */
export interface Sensor {
  /** `127.0.0.1:port`. */
  readonly host: string;
  close(): Promise<void>;
}

export async function openSensor(): Promise<Sensor> {
  const sockets = new Set<Socket>();
  const server = createServer(answer);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"] ?? ""}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.on("error", () => socket.destroy());
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  switch (new URL(request.url ?? "/", "http://x").pathname) {
    case "/picture":
      response.writeHead(200, { "content-type": "image/svg+xml" }).end(`<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>`);
      return;
    case "/frame":
      response.writeHead(200, { "content-type": "text/html" }).end(`<script>parent.postMessage("frame", "*")</script>`);
      return;
    case "/events":
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 21.5\n\n");
      return;
    case "/public":
      // Treated as a public page, whose requests to loopback need permission.
      response.writeHead(200, { "content-type": "text/html", "content-security-policy": "treat-as-public-address" }).end(`<!doctype html><body><script>vitrine.onMessage(async (host) => vitrine.emit("asked", await (${ASK_SENSOR})(host)));vitrine.emit("ready")</script>`);
      return;
    default:
      response.end("21.5");
  }
}

/** JavaScript function that queries a sensor in every way and returns, for each, whether it got an answer. */
export const ASK_SENSOR = `async (host) => {
  const within = (work) => Promise.race([work, new Promise((done) => setTimeout(done, 4000, "nothing"))]);
  const event = (target, good, bad) => new Promise((done) => { target["on" + good] = () => { target.close?.(); done("ok"); }; target["on" + bad] = () => { target.close?.(); done("refused"); }; });
  const framed = () => new Promise((done) => { addEventListener("message", () => done("ok"), { once: true }); const frame = document.createElement("iframe"); frame.src = "http://" + host + "/frame"; document.body.append(frame); });
  const picture = new Image(); picture.src = "http://" + host + "/picture?" + Math.random();
  const asked = {
    fetch: fetch("http://" + host + "/value").then((answer) => answer.text(), () => "refused"),
    picture: event(picture, "load", "error"),
    events: event(new EventSource("http://" + host + "/events"), "message", "error"),
    socket: event(new WebSocket("ws://" + host + "/socket"), "open", "error"),
    frame: framed(),
  };
  return Object.fromEntries(await Promise.all(Object.entries(asked).map(async ([form, work]) => [form, await within(work)])));
}`;

/** A host on loopback that must not be reached. Records every connection and datagram. */
export interface Forbidden {
  readonly host: string;
  readonly udpPort: number;
  /** The first line of each connection (or `connection` when nothing was sent), and `datagram` for each datagram. */
  reached(): readonly string[];
  close(): Promise<void>;
}

export async function openForbidden(): Promise<Forbidden> {
  const reached: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    const at = reached.push("connection") - 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    socket.once("data", (data) => {
      reached[at] = data.toString("latin1").split("\r\n")[0] ?? "";
      socket.end("HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n");
    });
  });
  const udp = createSocket("udp4");
  udp.on("message", () => void reached.push("datagram"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    udpPort: udp.address().port,
    reached: () => reached,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => udp.close(() => resolve()));
    },
  };
}
