import { describe, expect, test } from "vitest";
import { pickPorts } from "../../../src/launch/network/free-ports.js";
import { parseExposed, parsePublished, type PublishedPort } from "../../../src/launch/network/ports.js";

const port = (wanted: Partial<PublishedPort>): PublishedPort => ({
  protocol: "tcp",
  hostIp: "0.0.0.0",
  hostPort: 0,
  containerPort: 80,
  ...wanted,
});

describe("--publish", () => {
  test.each([
    ["80", port({})],
    ["8080:80", port({ hostPort: 8080 })],
    ["8080:80/udp", port({ hostPort: 8080, protocol: "udp" })],
    ["8080:80/TCP", port({ hostPort: 8080 })],
    ["127.0.0.1:8080:80", port({ hostIp: "127.0.0.1", hostPort: 8080 })],
    ["127.0.0.1::80", port({ hostIp: "127.0.0.1" })],
    [":80", port({})],
    ["::80", port({})],
    ["[::1]:8080:80", port({ hostIp: "::1", hostPort: 8080 })],
    ["[::1]::80", port({ hostIp: "::1" })],
  ])("%s is one port", (text, expected) => {
    expect(parsePublished(text)).toEqual([expected]);
  });

  test("a range is as many ports, each to its own", () => {
    expect(parsePublished("8000-8002:9000-9002/udp")).toEqual([
      port({ protocol: "udp", hostPort: 8000, containerPort: 9000 }),
      port({ protocol: "udp", hostPort: 8001, containerPort: 9001 }),
      port({ protocol: "udp", hostPort: 8002, containerPort: 9002 }),
    ]);
    expect(parsePublished("9000-9001").map(({ hostPort }) => hostPort)).toEqual([0, 0]);
  });

  test.each([
    ["", "nothing"],
    ["0:80", "port 0 of the host"],
    ["80:0", "port 0 of the container"],
    ["65536", "beyond the last"],
    ["80/sctp", "a protocol nobody forwards"],
    ["80/", "no protocol"],
    ["x:80", "no number"],
    ["-1:80", "a sign"],
    ["8001-8000:1-2", "backwards"],
    ["8000-8001:80", "two for one"],
    ["1.2.3:80:80", "no address"],
    ["localhost:80:80", "a name"],
    ["::1:80:80", "IPv6 without brackets"],
    ["[1.2.3.4]:80:80", "IPv4 in brackets"],
    ["1:2:3:4", "four parts"],
    ["80 ", "a space"],
  ])("%j is refused: %s", (text) => {
    expect(() => parsePublished(text)).toThrow(/^--publish: /);
  });
});

test("an address that is none is what the error speaks of", () => {
  expect(() => parsePublished("badip:80:80")).toThrow("badip:80:80 (expected an IP address before the ports");
  expect(() => parsePublished("127.0.0.1:80:badport")).toThrow("expected [[IP:][HOSTPORT]:]CONTAINERPORT");
});

test("exposed ports are ports or ranges", () => {
  expect(parseExposed("53/udp")).toEqual([{ protocol: "udp", port: 53 }]);
  expect(parseExposed("80-81")).toEqual([
    { protocol: "tcp", port: 80 },
    { protocol: "tcp", port: 81 },
  ]);
  expect(() => parseExposed("80:80")).toThrow(/^--expose: /);
});

describe("ports that may be any", () => {
  test("get one of the range that is free, each another", () => {
    const use = { taken: new Set(["tcp 40000", "udp 40001"]), range: [40_000, 40_003] as const };
    const picked = pickPorts([port({}), port({ hostPort: 40_002 }), port({})], use);
    expect(picked.map(({ hostPort }) => hostPort).sort()).toEqual([40_001, 40_002, 40_003]);
  });

  test("are refused when none is left", () => {
    const use = { taken: new Set(["tcp 40000"]), range: [40_000, 40_000] as const };
    expect(() => pickPorts([port({})], use)).toThrow("none is free");
  });
});
