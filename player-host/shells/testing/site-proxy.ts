import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy on loopback that resolves every name below `.test` to one port. Nothing else resolves these names. */
export interface SiteProxy {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Every request it got: URL, and `user:password` when sent. */
  readonly asked: { readonly url: string; readonly user: string | undefined }[];
  close(): Promise<void>;
}

/** `wants`: the required `user:password`. `answersWith`: refuses every request with this status. */
export async function openSiteProxy({ to, wants, answersWith }: { readonly to: number; readonly wants?: string; readonly answersWith?: number }): Promise<SiteProxy> {
  const asked: { url: string; user: string | undefined }[] = [];
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const sent = /^Basic (.+)$/.exec(incoming.headers["proxy-authorization"] ?? "")?.[1];
    const user = sent === undefined ? undefined : Buffer.from(sent, "base64").toString();
    asked.push({ url: incoming.url ?? "", user });
    if (answersWith !== undefined) return void outgoing.writeHead(answersWith).end();
    if (wants !== undefined && user !== wants) return void outgoing.writeHead(407, { "proxy-authenticate": `Basic realm="site"` }).end("who are you");
    const url = URL.parse(incoming.url ?? "");
    if (url === null) return void outgoing.writeHead(400).end();
    request({ host: "127.0.0.1", port: to, path: url.pathname + url.search, method: incoming.method, headers: { host: url.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    })
      .on("error", () => outgoing.writeHead(502).end())
      .end();
  };
  const server: Server = createServer(serve);
  server.on("connect", (incoming: IncomingMessage, socket) => {
    asked.push({ url: incoming.url ?? "", user: undefined });
    socket.end(`HTTP/1.1 ${answersWith ?? 403} refused\r\n\r\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
