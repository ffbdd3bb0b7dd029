import { cgroupsOf } from "./cgroups.js";
import { readText } from "./process.js";

/** What stops all processes of a container at once: a cgroup of its own. */
export interface Freezer {
  /** Where the wish is written. */
  readonly file: string;
  readonly freeze: string;
  readonly thaw: string;
  frozen(): Promise<boolean>;
  /** Whether it may miss a process that is made while the others freeze: that one freezes only once all have been let go. */
  readonly misses: boolean;
}

/** cgroup v2's `cgroup.freeze`, or v1's `freezer` hierarchy. Undefined where the container shares its cgroup with others. */
export async function findFreezer(container: {
  readonly id: string;
  readonly pid: number;
}): Promise<Freezer | undefined> {
  const cgroups = await cgroupsOf(container);
  const v1 = cgroups.find(({ controllers }) => controllers.includes("freezer"));
  if (v1 !== undefined) return freezerV1(v1.own);
  const v2 = cgroups.find(({ version }) => version === 2);
  return v2 === undefined ? undefined : freezerV2(v2.own);
}

function freezerV2(directory: string): Freezer {
  return {
    file: `${directory}/cgroup.freeze`,
    freeze: "1",
    thaw: "0",
    frozen: async () => /^frozen 1$/m.test(await readText(`${directory}/cgroup.events`)),
    misses: false,
  };
}

function freezerV1(directory: string): Freezer {
  const file = `${directory}/freezer.state`;
  return {
    file,
    freeze: "FROZEN",
    thaw: "THAWED",
    frozen: async () => (await readText(file)).trim() === "FROZEN",
    misses: true,
  };
}
