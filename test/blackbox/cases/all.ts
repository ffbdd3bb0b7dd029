import type { Case } from "../case.js";
import { cgroupCases } from "./cgroup.js";
import { crashCases } from "./crash.js";
import { entrypointCases } from "./entrypoint.js";
import { envCases } from "./env.js";
import { exitCases } from "./exit.js";
import { fsCases } from "./fs.js";
import { isolationCases } from "./isolation.js";
import { lifecycleCases } from "./lifecycle.js";
import { netCases } from "./net.js";
import { processCases } from "./process.js";
import { runtimeCases } from "./runtimes.js";
import { stdioCases } from "./stdio.js";
import { ttyCases } from "./tty.js";
import { userCases } from "./user.js";

/** By subject. */
export const allCases: Readonly<Record<string, readonly Case[]>> = {
  exit: exitCases,
  stdio: stdioCases,
  tty: ttyCases,
  process: processCases,
  user: userCases,
  "environment and directory": envCases,
  entrypoint: entrypointCases,
  files: fsCases,
  isolation: isolationCases,
  cgroup: cgroupCases,
  network: netCases,
  lifecycle: lifecycleCases,
  crash: crashCases,
  runtimes: runtimeCases,
};
