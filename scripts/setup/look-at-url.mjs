// Checks whether an address answers within 3 s: prints its size in bytes, or why it does not answer, with exit code 1.
// A separate process, because Node reads the proxy from the environment only at its start.
const url = process.argv[2] ?? "";
try {
  // One byte is enough. Redirects are followed, because the files are on another host.
  const response = await fetch(url, { headers: { range: "bytes=0-0" }, signal: AbortSignal.timeout(3_000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${new URL(response.url).host} answers ${response.status}`);
  console.log(response.headers.get("content-range")?.split("/")[1] ?? response.headers.get("content-length") ?? "");
} catch (error) {
  console.log(reasonOf(error));
  process.exitCode = 1;
}

/** @param {unknown} error */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  const host = URL.canParse(url) ? new URL(url).host : url;
  if (error.name === "TimeoutError") return `${host} does not answer within 3 s`;
  const cause = /** @type {{ code?: string } | undefined} */ (error.cause);
  return cause?.code === undefined ? error.message : `${host} cannot be reached (${cause.code})`;
}
