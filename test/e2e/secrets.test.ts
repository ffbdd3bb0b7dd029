import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import {
  addImage,
  memoryContent,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { tar } from "../support/tar.js";
import { missing } from "../support/tools.js";

const password = "hunter2-very-secret";
const signature = "signed-0123456789abcdef";
const proxyPassword = "proxy-secret-77";
const needs = missing("strace");

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

test.skipIf(needs !== "")(
  `${needs}S14: passwords, tokens and signed URLs show in no output, with PULLRUN_DEBUG neither, and in no arguments`,
  async () => {
    const content = memoryContent();
    const image = addImage(content, {
      repository: "team/app",
      tag: "latest",
      layers: [tar({ name: "x", data: "x".repeat(5000) })],
    });
    const layer = image.layers[0]?.digest ?? "";
    registry = await startTestRegistry({ content, auth: { username: "alice", password } });
    const { host, url } = registry;
    const home = temporaryDirectory();
    let seen = "";
    const run = async (args: string[], env: Record<string, string> = {}, input = ""): Promise<number> => {
      const log = path.join(temporaryDirectory(), "trace");
      const within = ["strace", "-f", "-qqq", "-s", "100000", "-e", "trace=execve", "-o", log];
      const { status, stdout, stderr } = await pullrun(args, {
        root: temporaryDirectory(),
        within,
        input,
        env: { HOME: home, PULLRUN_DEBUG: "1", ...env },
      });
      seen += `${stdout}${stderr}${readFileSync(log, "utf8").replaceAll(/, 0x[0-9a-f]+ .*$/gm, "")}`;
      return status;
    };
    const signed = (fault?: Fault): Fault[] => [
      ...(fault === undefined ? [] : [fault]),
      {
        on: new RegExp(`^GET /v2/.*${layer}$`),
        trouble: { kind: "redirect", to: `${url}/cdn/${layer}?X-Amz-Signature=${signature}` },
      },
    ];
    const login = ["login", "-u", "alice", "--password-stdin", host];
    expect(await run(login, {}, `${password}-wrong`)).toBe(1);
    expect(await run(login, {}, password)).toBe(0);
    const pulls = [["--progress", "plain"], ["--progress", "json"], ["-q"]];
    for (const how of pulls) expect(await run(["pull", ...how, `${host}/team/app`])).toBe(0);
    // The signed URL is refused, and fails.
    registry.script(signed());
    expect(await run(["pull", "--progress", "plain", `${host}/team/app`])).toBe(1);
    registry.script(
      signed({ on: /\/cdn\//, trouble: { kind: "reply", status: 403, body: `<Error>expired</Error>` } }),
    );
    expect(await run(["pull", "--progress", "json", `${host}/team/app`])).toBe(1);
    // What was asked of the signed URL is told, and what it leads to.
    const elsewhere = { kind: "redirect", to: `ftp://files.example/x?X-Amz-Signature=${signature}` } as const;
    registry.script(signed({ on: /\/cdn\//, trouble: elsewhere }));
    expect(await run(["pull", "--explain=json", `${host}/team/app`])).toBe(1);
    expect(seen).toContain("ftp://files.example/x?…");
    expect(seen).toMatch(/\/cdn\/sha256:\w+\?…/);
    expect(registry.requests.some((request) => request.url.includes(signature))).toBe(true);
    const http_proxy = `http://user:${proxyPassword}@127.0.0.1:1`;
    expect(await run(["pull", "registry.invalid/team/app"], { http_proxy, https_proxy: http_proxy })).toBe(1);

    const tokens = registry.requests.map(
      ({ headers }) => /^\w+ (.+)$/.exec(headers.authorization ?? "")?.[1],
    );
    const secrets = new Set([password, signature, proxyPassword, ...tokens].filter((s) => s !== undefined));
    expect(secrets.size).toBeGreaterThan(4);
    expect([...secrets].filter((secret) => seen.includes(secret))).toEqual([]);
    expect(seen).toMatch(/execve\(/);
    expect(seen).toMatch(/127\.0\.0\.1:1/);
  },
  60_000,
);
