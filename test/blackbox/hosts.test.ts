import { needsBusybox } from "../support/busybox.js";
import { needsRealRoot } from "../support/namespaces.js";
import { missing } from "../support/tools.js";
import { asRoot, asUser, describeWorld } from "./worlds.js";

const needs = `${needsBusybox}${needsRealRoot}`;

describeWorld("host root", `${needs}${missing("unshare", "ip")}`, asRoot);
describeWorld("host user", `${needs}${missing("unshare", "ip", "setpriv", "newuidmap")}`, asUser);
