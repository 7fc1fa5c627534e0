import { ApiError } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";

export type Handler = (exchange: Exchange) => void | Promise<void>;
export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Route {
  readonly method: Method;
  readonly parts: readonly string[];
  readonly handler: Handler;
}

/** Routes paths with `:name` parts. The first matching route wins, in order of registration. */
export class Router {
  readonly #routes: Route[] = [];

  on(method: Method, path: string, handler: Handler): this {
    this.#routes.push({ method, parts: path.split("/"), handler });
    return this;
  }

  /** Finds handler and path params; `undefined` for an unknown path. Throws 405 `request.method` for a known path with another method. */
  find(
    method: string,
    path: string,
  ): { readonly handler: Handler; readonly params: Readonly<Record<string, string>> } | undefined {
    const parts = path.split("/");
    const allowed = new Set<string>();
    for (const route of this.#routes) {
      const params = match(route.parts, parts);
      if (params === undefined) continue;
      if (route.method === method || (method === "HEAD" && route.method === "GET")) return { handler: route.handler, params };
      allowed.add(route.method);
    }
    if (allowed.size === 0) return undefined;
    throw new ApiError(
      405,
      { code: "request.method", message: `${path} takes ${[...allowed].join(", ")}` },
      { headers: { allow: [...allowed].join(", ") } },
    );
  }
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, expected] of pattern.entries()) {
    const part = parts[at] ?? "";
    if (!expected.startsWith(":")) {
      if (expected !== part) return undefined;
      continue;
    }
    const value = decoded(part);
    if (value === undefined || value === "") return undefined;
    params[expected.slice(1)] = value;
  }
  return params;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    // Malformed percent-encoding matches no route.
    return undefined;
  }
}
