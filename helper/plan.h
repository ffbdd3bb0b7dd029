/* The plan as bytes. src/helper/plan-encoding.ts writes it; a test there reads the table below. */
#ifndef PULLRUN_PLAN_H
#define PULLRUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * "PULLRUN1", then records: u16 kind, u16 flags (bit 0: optional), u32 argument count, then per argument u32 length,
 * bytes, NUL. All little endian. Integers are arguments of 8 bytes.
 */
#define PLAN_MAGIC "PULLRUN1"
#define PLAN_MAX_BYTES ((size_t) 64 << 20)
/* A plan has at most some thousands (one per lower, variable and argument); the kernel's own limits lie below this. */
#define PLAN_MAX_ARGUMENTS ((size_t) 1 << 20)

/*
 * Where a step may stand: before clone; after it; after created, in the supervisor while the child waits; after cleanup.
 * Without a clone step, everything up to the end is both host and child phase.
 */
enum phase { HOST = 1, CHILD = 2, CLEANUP = 4, CREATED = 8 };

/*
 * number, name, kind, arguments, phases. Arguments: s string (no NUL inside), b bytes, i integer; as the last one
 * S strings to the end, P the same but at least one, I integers to the end.
 */
#define STEP_KINDS(X) \
  X (1, HINT, "hint", "s", HOST | CHILD | CREATED | CLEANUP) \
  X (2, MAKE_DIR, "make-dir", "si", HOST | CHILD) \
  X (3, WRITE, "write", "sb", HOST | CHILD | CREATED) \
  X (4, LOCK, "lock", "s", HOST) \
  X (5, CLONE, "clone", "issssS", HOST) \
  X (6, UNSHARE, "unshare", "i", CHILD) \
  X (7, PRIVATE_MOUNTS, "private-mounts", "", CHILD) \
  X (8, ROOT_OVERLAY, "root-overlay", "ssssP", CHILD) \
  X (9, ROOT_BIND, "root-bind", "s", CHILD) \
  X (10, ROOT_DIR, "root-dir", "s", CHILD) \
  X (11, MOUNT, "mount", "sssis", CHILD) \
  X (12, BIND, "bind", "ssi", CHILD) \
  X (13, REMOUNT, "remount", "si", CHILD) \
  X (14, MKDIR, "mkdir", "siii", CHILD) \
  X (15, MKNOD, "mknod", "siiiii", CHILD) \
  X (16, SYMLINK, "symlink", "ss", CHILD) \
  X (17, FILE, "file", "sib", CHILD) \
  X (18, MASK, "mask", "s", CHILD) \
  X (19, READONLY, "readonly", "s", CHILD) \
  X (20, PIVOT, "pivot", "", CHILD) \
  X (21, CHROOT, "chroot", "", CHILD) \
  X (22, HOSTNAME, "hostname", "s", CHILD) \
  X (23, DOMAINNAME, "domainname", "s", CHILD) \
  X (24, SYSCTL, "sysctl", "ss", CHILD) \
  X (25, RLIMIT, "rlimit", "iii", HOST | CHILD) \
  X (26, OOM_SCORE, "oom-score", "s", HOST | CHILD) \
  X (27, LOOPBACK, "loopback", "", CHILD) \
  X (28, SESSION_KEYRING, "session-keyring", "s", HOST | CHILD) \
  X (29, STDIN_NULL, "stdin-null", "", HOST | CHILD) \
  X (30, CREDENTIALS, "credentials", "iiiiiiiiI", CHILD) \
  X (31, NO_NEW_PRIVILEGES, "no-new-privileges", "", HOST | CHILD) \
  X (32, UMASK, "umask", "i", HOST | CHILD) \
  X (33, WORKING_DIR, "working-dir", "s", CHILD) \
  X (34, ENVIRONMENT, "environment", "S", CHILD) \
  X (35, EXEC, "exec", "P", CHILD) \
  X (36, CREATE_ENTRIES, "create-entries", "iS", CHILD) \
  X (37, EXIT, "exit", "i", CHILD) \
  X (38, CLEANUP, "cleanup", "", HOST | CHILD | CREATED) \
  X (39, REMOVE_TREE, "remove-tree", "s", HOST | CHILD | CLEANUP) \
  X (40, REMOVE_CGROUP, "remove-cgroup", "s", HOST | CHILD | CLEANUP) \
  X (41, MOUNT_EROFS, "mount-erofs", "ssS", CHILD) \
  X (42, RECORD, "record", "s", HOST) \
  X (43, SUPERVISE, "supervise", "siiiii", HOST) \
  X (44, TERMINAL, "terminal", "iii", CHILD) \
  X (45, OOM_FILE, "oom-file", "ss", HOST) \
  X (46, DEVICE_FILTER, "device-filter", "sb", CHILD) \
  X (47, WRITE_EITHER, "write-either", "sbsb", HOST) \
  X (50, JOIN, "join", "iii", HOST) \
  X (51, SECCOMP, "seccomp", "ib", HOST | CHILD) \
  X (52, JOIN_NAMESPACE, "join-namespace", "si", HOST) \
  X (54, INIT, "init", "", CHILD) \
  X (55, SEAL, "seal", "", HOST) \
  X (60, COPY_UP, "copy-up", "ss", CHILD) \
  X (61, OPEN_TREE, "open-tree", "issi", CHILD) \
  X (62, ATTACH_TREE, "attach-tree", "isiii", CHILD) \
  X (63, READ_TREE, "read-tree", "sii", CHILD) \
  X (64, WRITE_TREE, "write-tree", "ssiii", CHILD) \
  X (65, CREATED, "created", "", HOST | CHILD) \
  X (66, PROGRAM, "program", "bbP", HOST | CHILD | CREATED | CLEANUP) \
  X (67, DAEMON, "daemon", "isP", CREATED) \
  X (68, INTERFACE, "interface", "ssis", CHILD) \
  X (69, RESERVE_PORT, "reserve-port", "isii", HOST) \
  X (70, REQUEST, "request", "sbs", CREATED) \
  X (71, SYNC, "sync", "", CHILD) \
  X (72, EXIT_TEXT, "exit-text", "siP", HOST) \
  X (73, RUNTIME_PID, "runtime-pid", "s", HOST) \
  X (74, MOVE_PROCESSES, "move-processes", "ss", HOST)

enum step_kind {
#define X(number, name, kind, arguments, phases) STEP_##name = number,
  STEP_KINDS (X)
#undef X
  STEP_KIND_LIMIT
};

struct argument {
  const char *bytes; /* followed by a NUL */
  uint32_t length;
};

struct step {
  enum step_kind kind;
  bool optional;
  size_t argc;
  const struct argument *argv;
};

struct plan {
  struct step *steps;
  struct argument *arguments;
  size_t count;
  size_t clone;   /* index, or count when there is none */
  size_t created; /* index, or that of cleanup when there is none */
  size_t cleanup; /* index, or count when there is none */
};

struct plan_problem {
  size_t step; /* counted from 1; 0: the plan as a whole */
  const char *text;
};

/* The decoded plan points into `bytes`. False leaves nothing allocated and says why in `problem`. */
bool plan_decode (const uint8_t *bytes, size_t size, struct plan *plan, struct plan_problem *problem);
void plan_free (struct plan *plan);

const char *step_name (enum step_kind kind);
/* A number of `size` bytes, 8 at most. */
uint64_t little_endian (const uint8_t *bytes, size_t size);
uint64_t step_integer (const struct step *step, size_t index);
const char *step_string (const struct step *step, size_t index);

#endif
