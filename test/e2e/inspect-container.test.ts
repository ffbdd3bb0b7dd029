import { describe, expect, test } from "vitest";
import { addImage, type BlobMap } from "../../fixtures/image.js";
import { writeLayout } from "../../fixtures/layout.js";
import { temporaryDirectory } from "../support/cli.js";
import { engine, quick } from "../support/engine.js";
import { archiveOf } from "../support/inspected.js";
import { needsNamespaces } from "../support/namespaces.js";
import { mustRun } from "../support/tools.js";
import { squashIds, testUsers, type TestUser } from "../support/users.js";

/** An image with an entrypoint, a command and a user, as an `oci:` name. */
async function speakingImage({ as }: TestUser): Promise<string> {
  const blobs: BlobMap = new Map();
  const descriptor = addImage(blobs, {
    platform: { os: "linux", architecture: "amd64" },
    layers: [{ createdBy: "", content: archiveOf(["etc/"]) }],
    process: {
      Entrypoint: ["/bin/server", "-v"],
      Cmd: ["serve"],
      User: "7:8",
      ExposedPorts: { "80/tcp": {} },
    },
  });
  const layout = `${temporaryDirectory(as)}/layout`;
  await writeLayout(layout, { images: [{ name: "app", descriptor, manifests: [descriptor] }], blobs });
  await mustRun("chmod", ["-R", "a+rX", layout]);
  return `oci:${layout}:app`;
}

describe.skipIf(needsNamespaces !== "").each(testUsers)(`${needsNamespaces}as $who`, (user) => {
  test.each([
    [[], [], '["/bin/server","-v"] ["serve"] 7:8'],
    [[], ["other"], '["/bin/server","-v"] ["other"] 7:8'],
    [["--entrypoint", "/x"], [], '["/x"] null 7:8'],
    [["--entrypoint", "", "-u", "9"], ["/x", "y"], 'null ["/x","y"] 9'],
  ])(
    "of create %j IMAGE %j inspect has docker's Entrypoint, Cmd and User: %s",
    async (flags, args, shown) => {
      const { ok } = engine(user);
      const given = [...squashIds(user.as), ...quick, ...flags];
      const id = await ok("create", "-q", ...given, await speakingImage(user), ...args);
      const view = "{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}}";
      expect(await ok("inspect", "-f", view, id)).toBe(shown);
    },
  );

  test("inspect has the ports of image and flags, and no health where docker's templates ask", async () => {
    const { ok } = engine(user);
    const given = [...squashIds(user.as), ...quick, "--expose", "53/udp"];
    const id = await ok("create", "-q", ...given, await speakingImage(user));
    const view = "{{json .Config.ExposedPorts}}{{if .State.Health}} {{.State.Health.Status}}{{end}}";
    expect(await ok("inspect", "-f", view, id)).toBe('{"80/tcp":{},"53/udp":{}}');
  });

  test("inspect has what was asked for under docker's names", async () => {
    const { ok } = engine(user);
    const flags = ["-v", "/etc:/e:ro", "-v", "data:/d", "-v", "/anonymous", "--tmpfs", "/t:size=1m,noexec"];
    const more = ["--shm-size", "1m", "--ulimit", "nofile=5:6", "--security-opt", "no-new-privileges"];
    const given = [...squashIds(user.as), ...quick, ...flags, ...more];
    const id = await ok("create", "-q", ...given, await speakingImage(user));
    const view = "{{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}} {{.HostConfig.ShmSize}}";
    expect(await ok("inspect", "-f", view, id)).toBe(
      '["/etc:/e:ro","data:/d"] {"/t":"size=1m,noexec"} 1048576',
    );
    expect(await ok("inspect", "-f", "{{json .HostConfig.Ulimits}} {{.HostConfig.SecurityOpt}}", id)).toBe(
      '[{"Name":"nofile","Hard":6,"Soft":5}] [no-new-privileges]',
    );
  });
});
