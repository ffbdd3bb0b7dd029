import { AuthError, RegistryError, type PullrunError, type RegistryCode } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import { readPrefix } from "./body.js";
import { apiHost, loginCommand } from "./hosts.js";
import type { HttpResponse } from "./http.js";
import { clientCertificateHint } from "./network-errors.js";
import { describeQuota, quotaOf } from "./quota.js";

/**
 * The error a non-success answer stands for, with the registry's own words (distribution-spec "Error Codes") and, in
 * `details`, `status` and `retryAfterMs` where the registry gave one. Consumes the body.
 */
export async function responseError(
  what: string,
  response: HttpResponse,
  missing: RegistryCode = "MANIFEST_UNKNOWN",
): Promise<PullrunError> {
  const { status } = response;
  const said = await registryWords(response);
  const observed = `(${status}${said === "" ? "" : `: ${said}`})`;
  const host = response.url.host;
  if (status === 401) {
    return new AuthError("UNAUTHORIZED", `${what}: needs a login, or does not exist ${observed}`, {
      hint: `check the name, or log in with ${loginCommand(host)}`,
      details: { status },
    });
  }
  if (status === 403) {
    return new AuthError("DENIED", `${what}: access denied ${observed}`, {
      hint: `the account used for ${host} may not pull this, or ${host} blocks this address`,
      details: { status },
    });
  }
  const wait = retryAfterMs(response);
  const details = { status, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
  if (status === 404) {
    return new RegistryError(missing, `${what}: not found ${observed}`, {
      hint: "check the name and the tag",
      details,
    });
  }
  if (status === 429) {
    const when = wait === undefined ? "wait a while" : `wait ${Math.ceil(wait / 1000)} s`;
    const hint = `${when}, log in for a higher limit (${loginCommand(host)}), or set up a mirror (certs.d/${mirrorDir(host)}/hosts.toml)`;
    const quota = quotaOf(response);
    const left = quota === undefined ? "" : `, ${describeQuota(quota)}`;
    return new RegistryError("RATE_LIMITED", `${what}: too many requests to ${host}${left} ${observed}`, {
      hint,
      details,
    });
  }
  if (status === 408 || status >= 500) {
    return new RegistryError("UPSTREAM", `${what}: ${host} failed ${observed}`, {
      hint: "the registry has a problem; try again later or use a mirror",
      details,
    });
  }
  return new RegistryError("PROTOCOL", `${what}: unexpected answer from ${host} ${observed}`, {
    details,
    ...(wantsCertificate.test(said) ? { hint: clientCertificateHint(host) } : {}),
  });
}

function mirrorDir(host: string): string {
  return host === apiHost("docker.io") ? "docker.io" : host;
}

// nginx (400) and its kin, on a page of HTML.
const wantsCertificate = /No required SSL certificate was sent|The SSL certificate error/;

/** First code and message of the error body as one printable line, or "" if there is none. */
async function registryWords(response: HttpResponse): Promise<string> {
  const bytes = await readPrefix(response, limits.errorBodyBytes);
  const text = Buffer.from(bytes).toString("utf8");
  const entry = firstError(text);
  const words = [entry.code, entry.message].filter((part) => part !== "").join(": ");
  return printable(words === "" ? (wantsCertificate.exec(text)?.[0] ?? "") : words, 200);
}

function firstError(text: string): { readonly code: string; readonly message: string } {
  try {
    const body = JSON.parse(text) as {
      errors?: readonly { code?: unknown; message?: unknown }[];
      details?: unknown;
    };
    const { code, message } = body.errors?.[0] ?? {};
    // Token servers and proxies answer {"details": "…"} or {"message": "…"}.
    const other = body.details ?? (body as { message?: unknown }).message;
    return { code: textOf(code).toLowerCase().replaceAll("_", " "), message: textOf(message ?? other) };
  } catch {
    return { code: "", message: "" };
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Retry-After in milliseconds: delta seconds or an HTTP date (RFC 9110 section 10.2.3). */
function retryAfterMs(response: HttpResponse): number | undefined {
  const text = response.header("retry-after")?.trim();
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.round(ms));
}
