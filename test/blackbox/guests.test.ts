import { test } from "vitest";
import { needsBusybox } from "../support/busybox.js";
import { describeWorld, inVm, needsVm } from "./worlds.js";

// Some minutes of both cores: asked for by `npm run test:vm`.
const asked = process.env["PULLRUN_TEST_VM"] === "1" ? "" : "needs PULLRUN_TEST_VM=1: ";
const needs = `${asked}${needsBusybox}${needsVm}`;

if (needs !== "") {
  test.skip(`${needs}the cases of a virtual machine with cgroup v2, as root and as a user`);
} else {
  describeWorld("VM root", needs, inVm());
  describeWorld("VM user", needs, inVm("--user", "visitor"));
}
