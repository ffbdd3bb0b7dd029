import { expect, test } from "vitest";
import { layoutReference } from "../../src/core/image-name.js";
import { formatReference } from "../../src/core/reference.js";

test.each([
  ["a full reference keeps its name", "docker.io/library/busybox:1.36", "docker.io/library/busybox:1.36"],
  ["a name without a registry", "busybox:1.36-glibc", "localhost/busybox:1.36-glibc"],
  ["a bare tag takes the directory's name", "1.36", "localhost/my-dir:1.36"],
  ["no name at all", undefined, "localhost/my-dir:latest"],
])("an image of a layout gets a name: %s", (_, refName, name) => {
  expect(formatReference(layoutReference("/srv/My dir", refName))).toBe(name);
});
