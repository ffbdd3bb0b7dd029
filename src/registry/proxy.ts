/** The variables of the usual names, upper or lower case; used by Node's agent (Node >= 22.21). */
export type ProxyEnvironment = Readonly<
  Partial<
    Record<"HTTP_PROXY" | "HTTPS_PROXY" | "NO_PROXY" | "http_proxy" | "https_proxy" | "no_proxy", string>
  >
>;

/** The proxy Node's agent takes for `url`, for messages; undefined where it goes directly. */
export function proxyFor(url: URL, env: ProxyEnvironment): URL | undefined {
  const isTls = url.protocol === "https:";
  const proxy = isTls ? (env.https_proxy ?? env.HTTPS_PROXY) : (env.http_proxy ?? env.HTTP_PROXY);
  if (proxy === undefined || !URL.canParse(proxy)) return undefined;
  const exceptions = (env.no_proxy ?? env.NO_PROXY ?? "").toLowerCase().split(/[\s,]+/);
  return exceptions.some((entry) => covers(entry, url)) ? undefined : new URL(proxy);
}

/** One entry of NO_PROXY: `*`, a host with or without port, or a domain (`.example.com`, `*.example.com`). */
function covers(entry: string, url: URL): boolean {
  if (entry === "") return false;
  if (entry === "*" || entry === url.hostname || entry === url.host) return true;
  const domain = entry.replace(/^\*/, "");
  return domain.startsWith(".") && url.hostname.endsWith(domain);
}
