import type { Result } from "../../../../platform/ports/result.ts";

/** A store whose methods give the value itself. */
export type ValuesOf<S> = {
  readonly [K in keyof S]: S[K] extends (...args: infer A) => Promise<Result<infer T, infer _E>> ? (...args: A) => Promise<T> : S[K];
};

/** The same store for a test in which the disk is well: an answer that is a failure is thrown. */
export function valuesOf<S extends object>(store: S): ValuesOf<S> {
  return new Proxy(store, {
    get: (inner, key) => {
      const member: unknown = Reflect.get(inner, key, inner);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        const answer: unknown = member.apply(inner, args);
        return answer instanceof Promise ? answer.then(valueOf) : answer;
      };
    },
  }) as ValuesOf<S>;
}

function valueOf(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null || !("ok" in answer)) return answer;
  const result = answer as Result<unknown>;
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}
