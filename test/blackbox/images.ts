import { addImage, type BlobMap, type ProcessSpec } from "../../fixtures/image.js";
import { writeLayout } from "../../fixtures/layout.js";
import { busyboxTar } from "../support/busybox.js";
import { directory, link } from "../support/images.js";
import { tar, type TarEntrySpec } from "../support/tar.js";
import { imageNames, type ImageName } from "./image-names.js";

/** What the cases start, by name; all have the layers of `box`. */
const processes: Readonly<Partial<Record<ImageName, ProcessSpec>>> = {
  box: { Cmd: ["sh"] },
  entry: { Entrypoint: ["/bin/echo", "entry"], Cmd: ["cmd"] },
  shell: { Entrypoint: ["/bin/sh", "-c", 'echo shell "$0"'] },
  neither: {},
};

const crowd = Array.from({ length: 10_000 }, (_, i) => `u${i}:x:${20_000 + i}:9::/home/u${i}:/bin/sh\r\n`);

/** Images with another /etc/passwd, by name: what lies over the layers of `box`. */
const accounts: Readonly<Partial<Record<ImageName, readonly TarEntrySpec[]>>> = {
  crowd: [{ name: "etc/passwd", data: crowd.join("") }],
  linked: [{ name: "etc/people", data: "linus:x:1234:5::/:/bin/sh\n" }, link("etc/passwd", "people")],
  pipe: [{ name: "etc/passwd", flag: "6" }],
  bare: [{ name: "etc/.wh.passwd" }, { name: "etc/.wh.group" }],
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
  const images = imageNames.map((name) => {
    const further = accounts[name] ?? [];
    const own = further.length === 0 ? [] : [{ createdBy: name, content: tar(...further) }];
    const image = { layers: [...layers, ...own], process: processes[name] ?? { Cmd: ["sh"] } };
    const descriptor = addImage(blobs, { platform: { os: "linux", architecture: "amd64" }, ...image });
    return { name: `${name}:latest`, descriptor, manifests: [] };
  });
  await writeLayout(layout, { images, blobs });
}
