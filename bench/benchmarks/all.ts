import type { Benchmark } from "../compare.js";
import type { Lab } from "../lab.js";
import { repeatAndRemove } from "./again.js";
import { growth } from "./growth.js";
import { living } from "./life.js";
import { listing } from "./listing.js";
import { coldPull, rootlessPull } from "./pull.js";
import { reading } from "./read.js";
import { manyRuns, warmRun } from "./run.js";

/** Everything, in some twelve minutes on a quiet machine of two cores once the images are made. */
export function allBenchmarks(lab: Lab, runs: number | undefined): readonly Benchmark[] {
  const times = (usual: number): { readonly runs: number } => ({ runs: runs ?? usual });
  return [
    warmRun(lab, times(15)),
    ...manyRuns(lab, times(2)),
    ...living(lab, times(7)),
    coldPull(lab, { image: "small", ...times(7) }),
    coldPull(lab, { image: "many", ...times(3) }),
    coldPull(lab, { image: "huge", ...times(2) }),
    coldPull(lab, { image: "large", ...times(3) }),
    coldPull(lab, { image: "large", compression: "zstd", ...times(1) }),
    rootlessPull(lab, { image: "large", ...times(2) }),
    ...repeatAndRemove(lab, { image: "large", ...times(3) }),
    ...reading(lab, times(3)),
    ...listing(lab, times(5)),
    ...growth(lab, times(1)),
  ];
}
