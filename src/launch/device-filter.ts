import { hinted } from "./hinted.js";
import type { PlanStep } from "../helper/plan.js";
import { devicePolicy, type DeviceException, type DevicePolicy } from "./device-policy.js";
import * as bpf from "./ebpf.js";
import type { DeviceRule } from "./oci-spec.js";

/**
 * Steps that make the container's cgroup keep the rules. In the child, once its mounts are there: mounting EROFS
 * through loop devices opens what the container may not.
 */
export function deviceSteps(rules: readonly DeviceRule[]): (version: 1 | 2, group: string) => PlanStep[] {
  const policy = devicePolicy(rules);
  const text =
    "the kernel refused the device rules: whoever runs pullrun may not use such a device, or the kernel has no " +
    "CONFIG_CGROUP_BPF; leave out --device-cgroup-rule and the letters of --device";
  return (version, group) =>
    hinted(text, ...(version === 1 ? v1Steps(policy, group) : [filterStep(policy, group)]));
}

function filterStep(policy: DevicePolicy, group: string): PlanStep {
  return { kind: "device-filter", path: group, program: compileDeviceFilter(policy) };
}

/** The kernel's Documentation/admin-guide/cgroup-v1/devices.rst; `a` forgets all there was. */
function v1Steps({ allow, exceptions }: DevicePolicy, group: string): PlanStep[] {
  const [all, other] = allow ? ["allow", "deny"] : ["deny", "allow"];
  return [
    { kind: "write", path: `${group}/devices.${all}`, data: "a" },
    ...exceptions.map(({ type, major, minor, access }): PlanStep => ({
      kind: "write",
      path: `${group}/devices.${other}`,
      data: `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`,
    })),
  ];
}

/** linux/bpf.h, BPF_DEVCG_*. */
const types = { b: 1, c: 2 };
const letters = [
  ["m", 1],
  ["r", 2],
  ["w", 4],
] as const;
const everything = 7;

/** Registers. At the start `context` points to a struct bpf_cgroup_dev_ctx; `result` is what the program returns. */
const result = 0;
const context = 1;
const type = 2;
const access = 3;
const major = 4;
const minor = 5;
const scratch = 6;

/** A program of type BPF_PROG_TYPE_CGROUP_DEVICE: 1 for an access that is allowed. */
export function compileDeviceFilter(policy: DevicePolicy): Uint8Array {
  return bpf.encodeEbpf([
    // access_type: the type in its lower half, the access in its upper one.
    bpf.loadWord(type, context, 0),
    bpf.move(access, type),
    bpf.and(type, 0xffff),
    bpf.shiftRight(access, 16),
    bpf.loadWord(major, context, 4),
    bpf.loadWord(minor, context, 8),
    ...policy.exceptions.flatMap((exception) => exceptionCode(exception, policy.allow)),
    bpf.moveValue(result, policy.allow ? 1 : 0),
    bpf.exit,
  ]);
}

/** Each comparison goes to the next exception, whose distance is known once all of this one is there. */
function exceptionCode(exception: DeviceException, allow: boolean): bpf.EbpfInstruction[] {
  const end = [bpf.moveValue(result, allow ? 0 : 1), bpf.exit];
  const tests: readonly ((skip: number) => bpf.EbpfInstruction[])[] = [
    (skip) => [bpf.jumpUnlessEqual(type, types[exception.type], skip)],
    (skip) => accessCode(exception.access, allow, skip),
    (skip) => (exception.major === undefined ? [] : [bpf.jumpUnlessEqual(major, exception.major, skip)]),
    (skip) => (exception.minor === undefined ? [] : [bpf.jumpUnlessEqual(minor, exception.minor, skip)]),
  ];
  return tests.reduceRight<bpf.EbpfInstruction[]>((rest, test) => [...test(rest.length), ...rest], end);
}

/** What is allowed has to be all that is wanted; of what is denied any part counts. */
function accessCode(allowed: string, allow: boolean, skip: number): bpf.EbpfInstruction[] {
  const mask = letters.reduce((bits, [letter, bit]) => (allowed.includes(letter) ? bits | bit : bits), 0);
  if (mask === everything) return [];
  return [
    bpf.move(scratch, access),
    bpf.and(scratch, mask),
    allow ? bpf.jumpIfEqual(scratch, 0, skip) : bpf.jumpUnlessSame(scratch, access, skip),
  ];
}
