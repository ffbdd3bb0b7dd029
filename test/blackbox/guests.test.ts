import { needsBusybox } from "../support/busybox.js";
import { describeWorld, inVm, needsVm } from "./worlds.js";

const needs = `${needsBusybox}${needsVm}`;

describeWorld("VM root", needs, inVm());
describeWorld("VM user", needs, inVm("--user", "visitor"));
