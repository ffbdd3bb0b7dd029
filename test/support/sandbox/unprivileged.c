/*
 * unprivileged: run a command as docker runs one by default, without an engine or an image.
 *
 *   unprivileged UID COMMAND [ARG...]      (as root; UID 0 is docker's default user)
 *
 * The command keeps this machine's files and network. It gets docker's default sandbox around them:
 *   - own mount, pid, ipc, uts and cgroup namespaces; a fresh /proc and /dev
 *   - docker's 14 capabilities in the bounding set, and for UID 0 in the effective set; no CAP_SYS_ADMIN
 *   - a seccomp filter that answers EPERM where docker's default profile does (see denied[])
 *   - docker's masked and read-only paths below /proc and /sys
 *
 * For tests of software that must cope with such a place. Not a security boundary: the files are the host's.
 * Steps, in order: namespaces -> mounts -> seccomp -> capabilities and user -> exec; exit 125 if one fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the filter knows x86_64 and aarch64"
#endif

/* moby: oci/caps/defaults.go. As a mask: 00000000a80425fb. */
static const int kept_capabilities[] = {
    CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FSETID,  CAP_FOWNER,           CAP_MKNOD,      CAP_NET_RAW, CAP_SETGID,
    CAP_SETUID, CAP_SETFCAP,      CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL,    CAP_AUDIT_WRITE,
};

/* moby: oci/defaults.go. */
static const char *const masked[] = {
    "/proc/asound",     "/proc/acpi",       "/proc/interrupts", "/proc/kcore",
    "/proc/keys",       "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi",      "/sys/firmware",    "/sys/devices/virtual/powercap",
};
static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

/* moby: profiles/seccomp/default.json allows these only with capabilities that docker does not give, or never. */
static const int denied[] = {
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_unshare, SYS_setns, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
    SYS_move_mount, SYS_open_tree, SYS_mount_setattr, SYS_sethostname, SYS_setdomainname, SYS_quotactl, SYS_bpf,
    SYS_perf_event_open, SYS_fanotify_init, SYS_open_by_handle_at, SYS_syslog, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_acct,
    SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_vhangup, SYS_mbind, SYS_move_pages,
    SYS_set_mempolicy, SYS_nfsservctl,
};

#define NEW_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

static __attribute__((noreturn)) void fail(const char *what, const char *object) {
  fprintf(stderr, "unprivileged: %s: %s: %s\n", what, object, strerror(errno));
  exit(125);
}

static void mount_or_fail(const char *type, const char *target, unsigned long flags, const char *data) {
  if (mount(type, target, type, flags, data) < 0) fail("mount", target);
}

/* --- mounts -------------------------------------------------------------------------------------------------- */

/* With all mounts below: the cgroup hierarchies are mounts of their own. */
static void read_only_bind(const char *path) {
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
  if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0) {
    if (errno == ENOENT) return;
    fail("bind", path);
  }
  if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) < 0) fail("make read-only", path);
}

static void mask(const char *path) {
  struct stat s;
  if (stat(path, &s) < 0) return;
  if (S_ISDIR(s.st_mode)) mount_or_fail("tmpfs", path, MS_RDONLY, "size=0");
  else if (mount("/dev/null", path, NULL, MS_BIND, NULL) < 0) fail("mask", path);
}

static void make_devices(void) {
  static const struct { const char *path; int major, minor; } nodes[] = {
      {"/dev/null", 1, 3}, {"/dev/zero", 1, 5}, {"/dev/full", 1, 7}, {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
  };
  static const char *const links[][2] = {
      {"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"}, {"/proc/self/fd/1", "/dev/stdout"},
      {"/proc/self/fd/2", "/dev/stderr"}, {"pts/ptmx", "/dev/ptmx"},
  };
  mount_or_fail("tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  for (size_t i = 0; i < COUNT(nodes); i++)
    if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0) fail("mknod", nodes[i].path);
  for (size_t i = 0; i < COUNT(links); i++)
    if (symlink(links[i][0], links[i][1]) < 0) fail("symlink", links[i][1]);
  if (mkdir("/dev/pts", 0755) < 0 || mkdir("/dev/shm", 01777) < 0) fail("mkdir", "/dev");
  mount_or_fail("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_or_fail("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k");
}

static void make_mounts(void) {
  umask(0);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail("make private", "/");
  mount_or_fail("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  make_devices();
  read_only_bind("/sys");
  for (size_t i = 0; i < COUNT(masked); i++) mask(masked[i]);
  for (size_t i = 0; i < COUNT(read_only); i++) read_only_bind(read_only[i]);
  umask(022);
}

/* --- seccomp -------------------------------------------------------------------------------------------------- */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define JUMP(op, value, yes, no) BPF_JUMP(BPF_JMP | (op) | BPF_K, (value), (yes), (no))
#define DENY(error) RETURN(SECCOMP_RET_ERRNO | (error))

static void load_seccomp(void) {
  struct sock_filter filter[32 + 2 * COUNT(denied)] = {
      LOAD(arch),
      JUMP(BPF_JEQ, NATIVE_ARCH, 1, 0),
      DENY(EPERM),
      LOAD(nr),
      /* x32 calls would pass under other numbers. */
      JUMP(BPF_JGE, 0x40000000, 0, 1),
      DENY(EPERM),
      /* A filter cannot see clone3's flags behind their pointer: ENOSYS makes libc fall back to clone. */
      JUMP(BPF_JEQ, SYS_clone3, 0, 1),
      DENY(ENOSYS),
      JUMP(BPF_JEQ, SYS_clone, 0, 4),
      LOAD(args[0]),
      JUMP(BPF_JSET, NEW_NAMESPACES, 0, 1),
      DENY(EPERM),
      RETURN(SECCOMP_RET_ALLOW),
  };
  unsigned short length = 13;
  for (size_t i = 0; i < COUNT(denied); i++) {
    filter[length++] = (struct sock_filter)JUMP(BPF_JEQ, (uint32_t)denied[i], 0, 1);
    filter[length++] = (struct sock_filter)DENY(EPERM);
  }
  filter[length++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = length, .filter = filter};
  /* Without no_new_privs, as docker does it: CAP_SYS_ADMIN is still there. */
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) fail("seccomp", "filter");
}

/* --- capabilities and user -------------------------------------------------------------------------------------- */

static int is_kept(int capability) {
  for (size_t i = 0; i < COUNT(kept_capabilities); i++)
    if (kept_capabilities[i] == capability) return 1;
  return 0;
}

static void drop_privileges(uid_t uid) {
  uint64_t kept = 0;
  for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
    if (is_kept(c)) kept |= 1ull << c;
    else if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0) fail("drop", "capability bounding set");
  }
  gid_t none[1];
  if (setgroups(0, none) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0) fail("set user", "ids");
  if (uid != 0) kept = 0;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {
      {.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
      {.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)},
  };
  if (syscall(SYS_capset, &header, data) < 0) fail("capset", "capabilities");
}

/* --- processes -------------------------------------------------------------------------------------------------- */

static int exit_status(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static __attribute__((noreturn)) void leave_as(pid_t child) {
  int status;
  pid_t ended;
  while ((ended = wait(&status)) != child)
    if (ended < 0 && errno != EINTR) fail("wait", "child");
  exit(exit_status(status));
}

/* Process 1: reaps orphans and ends, and the namespace with it, when the command or our parent does. */
static __attribute__((noreturn)) void run_inside(uid_t uid, char **command) {
  make_mounts();
  load_seccomp();
  drop_privileges(uid);
  /* After the change of credentials, which would clear it. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail("prctl", "parent death signal");
  pid_t child = fork();
  if (child < 0) fail("fork", command[0]);
  if (child > 0) leave_as(child);
  execvp(command[0], command);
  fprintf(stderr, "unprivileged: exec: %s: %s\n", command[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

int main(int argc, char **argv) {
  char *end = NULL;
  unsigned long uid = argc < 3 ? 0 : strtoul(argv[1], &end, 10);
  if (argc < 3 || end == argv[1] || *end != 0) {
    fputs("usage: unprivileged UID COMMAND [ARG...]\n", stderr);
    return 2;
  }
  if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0) fail("unshare", "namespaces");
  pid_t child = fork();
  if (child < 0) fail("fork", "process 1");
  if (child == 0) run_inside((uid_t)uid, argv + 2);
  leave_as(child);
}
