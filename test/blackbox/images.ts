import { addImage, type BlobMap, type ProcessSpec } from "../../fixtures/image.js";
import { writeLayout } from "../../fixtures/layout.js";
import { busyboxTar } from "../support/busybox.js";
import { directory, link } from "../support/images.js";
import { tar } from "../support/tar.js";

/** What the cases start, by name; all have the same two layers. */
const processes: Readonly<Record<string, ProcessSpec>> = {
  box: { Cmd: ["sh"] },
  entry: { Entrypoint: ["/bin/echo", "entry"], Cmd: ["cmd"] },
  shell: { Entrypoint: ["/bin/sh", "-c", 'echo shell "$0"'] },
  neither: {},
};

const users = tar(
  { name: "etc/passwd", data: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n" },
  { name: "etc/group", data: "root:x:0:\napp:x:1000:\nwheel:x:2000:app\n" },
  directory("home/app", { uid: 1000, gid: 1000, mode: 0o750 }),
  directory("mnt"),
  link("link", "var"),
  { name: "bin/no-interpreter", data: "#!/no/such/interpreter\n", mode: 0o755 },
);

/** As an OCI layout with a tag for each. Needs ../shared/images. */
export async function writeImages(layout: string): Promise<void> {
  const blobs: BlobMap = new Map();
  const layers = [
    { createdBy: "busybox", content: busyboxTar() },
    { createdBy: "the test", content: users },
  ];
  const images = Object.entries(processes).map(([name, process]) => ({
    name: `${name}:latest`,
    descriptor: addImage(blobs, { platform: { os: "linux", architecture: "amd64" }, layers, process }),
    manifests: [],
  }));
  await writeLayout(layout, { images, blobs });
}
