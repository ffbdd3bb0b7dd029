import { afterAll, beforeAll, expect, test } from "vitest";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { tar } from "../support/tar.js";
import { mustRun } from "../support/tools.js";

/** What becomes of an image's extended attributes where the target's file system has no room for them. */
const content = memoryContent();
let registry: TestRegistry;

const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
const user = { "SCHILY.xattr.user.mine": "m" };

beforeAll(async () => {
  registry = await startTestRegistry({ content });
  const layer = tar(
    { name: "d/", flag: "5", mode: 0o755, pax: { "SCHILY.xattr.user.other": "o" } },
    { name: "d/f", data: "data", pax: user },
    { name: "ping", data: "ping", mode: 0o755, pax: { "SCHILY.xattr.security.capability": capability } },
    { name: "t", data: "t", pax: { "SCHILY.xattr.trusted.t": "t" } },
  );
  addImage(content, { repository: "app/attributes", tag: "latest", layers: [layer] });
});
afterAll(() => registry.close());

test.skipIf(needsRealRoot !== "")(
  `${needsRealRoot}L14: unpack to a file system without attributes leaves them out, with one warning for each kind`,
  async () => {
    const [root, target] = [temporaryDirectory(), temporaryDirectory()];
    const name = `${registry.host}/app/attributes`;
    expect((await pullrun(["pull", "-q", name], { root })).status).toBe(0);
    const output = await mustRun("unshare", [
      "-m",
      "sh",
      "-c",
      'mount -t ramfs ramfs "$3"; "$1" --root "$2" unpack "$4" "$3/new" 2>&1; echo "unpack $?"; cd "$3/new" && find . | sort; cat d/f ping t',
      ...["sh", pullrunPath, root, target, name],
    ]);
    const why = "the file system of the target does not take them";
    const [first, second, third, ...rest] = output.split("\n");
    expect([first, second, third].sort()).toEqual(
      ["security.capability", "trusted.t", "user.other"].map(
        (attribute) => `warning: extended attributes such as "${attribute}" were left out: ${why}`,
      ),
    );
    expect(rest.join("\n")).toBe(`${target}/new\nunpack 0\n.\n./d\n./d/f\n./ping\n./t\ndatapingt`);
  },
);
