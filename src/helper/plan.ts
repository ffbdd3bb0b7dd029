import type { RootStep } from "./root-steps.js";

/**
 * The plan: what the C helper does, step by step, in order. TypeScript decides everything here; the helper looks
 * nothing up. `helper/plan.h` mirrors the numbers in {@link stepKinds}.
 *
 * A plan has up to four phases: steps before `clone` run in the helper itself (the supervisor); steps after it run
 * in the cloned child, but not before the supervisor has run those after `created`; steps after `cleanup` run in the
 * supervisor once the child has ended, each tried even if an earlier one failed. The first failing step ends all phases
 * but the last, with exit status 125 (126/127 for `exec`).
 */
export type Step =
  /** Text for the `hint:` line should a later step fail, until the next hint; "" for none. */
  | { readonly kind: "hint"; readonly text: string }
  /**
   * As the first step of a plan that starts programs of an image: the helper runs from a copy of itself in memory that
   * nothing can write to (CVE-2019-5736).
   */
  | { readonly kind: "seal" }
  // Host phase. Paths are absolute host paths.
  /** This and `write` also in the child, before `pivot`. */
  | { readonly kind: "make-dir"; readonly path: string; readonly mode: number }
  | { readonly kind: "write"; readonly path: string; readonly data: string }
  /** Where there is no file at `path`, to the other one. */
  | {
      readonly kind: "write-either";
      readonly path: string;
      readonly data: string;
      readonly otherwise: string;
      readonly otherwiseData: string;
    }
  /** All processes of a cgroup, us too, to another one; both by their `cgroup.procs`. */
  | { readonly kind: "move-processes"; readonly from: string; readonly to: string }
  | { readonly kind: "lock"; readonly path: string }
  /**
   * The child is to live in namespaces (`CLONE_NEW*`) of a process that has run since `start` (field 22 of
   * /proc/PID/stat). With CLONE_NEWUSER it becomes root there. Those the clone step asks for are made new inside.
   */
  | { readonly kind: "join"; readonly pid: number; readonly start: bigint; readonly namespaces: number }
  /** The same for one namespace by path, such as one `ip netns add` made; anything else there is refused. */
  | { readonly kind: "join-namespace"; readonly path: string; readonly namespace: number }
  /** Keep the file `status` in this directory (helper/record.h). Every plan for a container has it. */
  | { readonly kind: "record"; readonly directory: string }
  /** Only for {@link startDetached} and {@link startAttached}, which need it; after `lock`. */
  | {
      readonly kind: "supervise";
      /** Where `log` and the socket `attach` go; "" for neither, as for `exec`. */
      readonly directory: string;
      /** Size at which `log` becomes `log.1`; 0 keeps none. */
      readonly logBytes: number;
      /** 1: there is a `terminal` step, else the streams are pipes. */
      readonly terminal: number;
      /** One of {@link inputPolicies}. */
      readonly input: number;
      /** One of {@link restartPolicies}. */
      readonly restart: number;
      /** How often `on-failure` starts it again; 0: without end. */
      readonly retries: number;
    }
  /** Where to read, once the container has ended, how many of its processes were killed for want of memory. */
  | { readonly kind: "oom-file"; readonly path: string; readonly key: string }
  /** Once a child has failed: a line of the file at `path` that has all the texts makes the exit status `code`. */
  | {
      readonly kind: "exit-text";
      readonly path: string;
      readonly code: number;
      readonly texts: readonly string[];
    }
  /** The child is an OCI runtime, which writes the number of the container's process to this file once that runs. */
  | { readonly kind: "runtime-pid"; readonly path: string }
  /** Fork with `CLONE_*` flags (0: plain fork), write the id maps, enter the cgroups, let the child go on. */
  | {
      readonly kind: "clone";
      readonly flags: number;
      /** Lines of `/proc/PID/uid_map`; empty without CLONE_NEWUSER. */
      readonly uidMap: string;
      readonly gidMap: string;
      /** Absolute path of newuidmap/newgidmap, or "" to write the maps ourselves. */
      readonly newuidmap: string;
      readonly newgidmap: string;
      /** `cgroup.procs` files the child's pid is written to before it goes on. */
      readonly cgroupProcs: readonly string[];
    }
  // Container phase.
  | { readonly kind: "unshare"; readonly flags: number }
  | { readonly kind: "private-mounts" }
  | RootStep
  | { readonly kind: "hostname"; readonly name: string }
  | { readonly kind: "domainname"; readonly name: string }
  /** `key` with slashes, below /proc/sys. */
  | { readonly kind: "sysctl"; readonly key: string; readonly value: string }
  | {
      readonly kind: "rlimit";
      readonly resource: number;
      readonly soft: number | bigint;
      readonly hard: number | bigint;
    }
  | { readonly kind: "oom-score"; readonly value: string }
  | { readonly kind: "loopback" }
  /** Gives an interface of the network namespace its IPv4 address and brings it up. */
  | {
      readonly kind: "interface";
      readonly name: string;
      readonly address: string;
      readonly prefix: number;
      /** Of the default route; "" for none. */
      readonly gateway: string;
    }
  | { readonly kind: "session-keyring"; readonly name: string }
  | { readonly kind: "stdin-null" }
  /** A terminal of its own for the program, on 0 to 2; the other side is the supervisor's. After /dev/pts is there. */
  | {
      readonly kind: "terminal";
      readonly uid: number;
      /** 1: also at /dev/console. */
      readonly console: number;
      /** 1: from the host's devpts, in a root that has none. */
      readonly host: number;
    }
  | {
      readonly kind: "credentials";
      readonly uid: number;
      readonly gid: number;
      /** undefined: leave the supplementary groups alone (setgroups is denied in single-id namespaces). */
      readonly groups: readonly number[] | undefined;
      /** Capability sets as bit masks (bit n = capability n). */
      readonly bounding: bigint;
      readonly permitted: bigint;
      readonly effective: bigint;
      readonly inheritable: bigint;
      readonly ambient: bigint;
    }
  | { readonly kind: "no-new-privileges" }
  /** `struct sock_filter[]`, and SECCOMP_FILTER_FLAG_*. */
  | { readonly kind: "seccomp"; readonly flags: number; readonly program: Uint8Array }
  /** `struct bpf_insn[]` of type BPF_PROG_TYPE_CGROUP_DEVICE, for the v2 cgroup at `path` on the host. Before `pivot`. */
  | { readonly kind: "device-filter"; readonly path: string; readonly program: Uint8Array }
  | { readonly kind: "umask"; readonly mask: number }
  | { readonly kind: "working-dir"; readonly path: string }
  | { readonly kind: "environment"; readonly entries: readonly string[] }
  /** Stays as the process it is, reaps and passes signals on; what follows happens in a child of its. */
  | { readonly kind: "init" }
  | { readonly kind: "exec"; readonly argv: readonly string[] }
  | { readonly kind: "exit"; readonly code: number }
  // Created phase: the child is there with its namespaces, and waits.
  | { readonly kind: "created" }
  /** A program of the host (host, created and cleanup phase), with an empty environment. `{pid}` is the child's. */
  | {
      readonly kind: "program";
      /** Its standard input. */
      readonly input: string;
      /** For a second run where the first one failed; "" for none. */
      readonly otherwise: string;
      /** An absolute path first. */
      readonly argv: readonly string[];
    }
  /** The same, to run as long as the container and end even if the supervisor is killed. */
  | {
      readonly kind: "daemon";
      /** The descriptor it writes to when it is ready: 1 or 3. */
      readonly ready: number;
      /** Absolute path of a file for what it says on standard error; its directory is where the program starts. */
      readonly log: string;
      readonly argv: readonly string[];
    }
  /** Sends bytes to a unix socket; an answer without the text `expected` is a failure. */
  | {
      readonly kind: "request";
      readonly path: string;
      readonly request: string;
      readonly expected: string;
    }
  /** Host phase: fails where somebody listens on the port already. */
  | {
      readonly kind: "reserve-port";
      /** IPPROTO_*. */
      readonly protocol: number;
      readonly address: string;
      readonly port: number;
      /** 1: until the supervisor ends; 0: try only. */
      readonly hold: number;
    }
  // Cleanup phase (and host phase). Deletes by file descriptor, never following links.
  | { readonly kind: "cleanup" }
  | { readonly kind: "remove-tree"; readonly path: string }
  | { readonly kind: "remove-cgroup"; readonly path: string };

/** A step that may fail without ending the plan (a device the sandbox does not allow) is marked optional. */
export type PlanStep = Step & { readonly optional?: true };

export type Plan = readonly PlanStep[];

/** What becomes of a supervised container's standard input (helper/service.h). */
export const inputPolicies = {
  /** /dev/null. */
  closed: 0,
  /** Open until the first client that gives input is done or gone: docker's StdinOnce. */
  once: 1,
  /** Open whoever comes and goes. */
  open: 2,
} as const;

/** The supervisor's side of `--restart`: `unless-stopped` is `always` to it. A file `stop` in the directory ends it. */
export const restartPolicies = { no: 0, "on-failure": 1, always: 2 } as const;
