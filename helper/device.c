#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "root.h"

/* The umask is whoever's started us. */
static int
own_node (int dir, const char *name, const struct step *step)
{
  uid_t uid = (uid_t) step_integer (step, 4);
  gid_t gid = (gid_t) step_integer (step, 5);
  mode_t mode = (mode_t) step_integer (step, 1) & 07777;
  if (fchownat (dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -1;
  return fchmodat (dir, name, mode, 0);
}

int
step_mknod (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0), *name;
  mode_t mode = (mode_t) step_integer (step, 1);
  dev_t device = makedev ((unsigned) step_integer (step, 2), (unsigned) step_integer (step, 3));
  struct stat st;
  autoclose int dir = root_parent (context, path, &name);
  if (dir < 0)
    return fail (path, "cannot open the parent directory");
  if (mknodat (dir, name, mode, device) == 0)
    return own_node (dir, name, step) < 0 ? fail (path, "cannot set owner and mode") : 0;
  int error = errno;
  if (error == EEXIST && fstatat (dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0
      && (st.st_mode & S_IFMT) == (mode & S_IFMT) && st.st_rdev == device)
    return 0;
  return fail_with (error, path, "cannot make device node");
}

static int
bpf (enum bpf_cmd command, union bpf_attr *attr)
{
  return (int) syscall (SYS_bpf, command, attr, sizeof *attr);
}

static uint64_t
address (const void *pointer)
{
  return (uint64_t) (uintptr_t) pointer;
}

static int
load_program (const struct argument *program)
{
  autofree struct bpf_insn *instructions = malloc (program->length);
  if (!instructions)
    return -1;
  /* Arguments of a plan are not aligned. */
  memcpy (instructions, program->bytes, program->length);
  union bpf_attr attr = { 0 };
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insn_cnt = (uint32_t) (program->length / sizeof *instructions);
  attr.insns = address (instructions);
  attr.license = address ("");
  return bpf (BPF_PROG_LOAD, &attr);
}

/* Before Linux 5.11 programs count as locked memory, 64 KiB for all of root's containers; EPERM says it is used up. */
static int
load_unlimited (const struct argument *program)
{
  struct rlimit before, none = { RLIM_INFINITY, RLIM_INFINITY };
  int fd = load_program (program);
  if (fd >= 0 || errno != EPERM || getrlimit (RLIMIT_MEMLOCK, &before) < 0
      || setrlimit (RLIMIT_MEMLOCK, &none) < 0)
    return fd;
  fd = load_program (program);
  int error = errno;
  setrlimit (RLIMIT_MEMLOCK, &before);
  errno = error;
  return fd;
}

static int
attach (int cgroup, int program)
{
  union bpf_attr attr = { 0 };
  attr.target_fd = (uint32_t) cgroup;
  attr.attach_bpf_fd = (uint32_t) program;
  attr.attach_type = BPF_CGROUP_DEVICE;
  /* Those of the cgroups above go on to count: a device is allowed if all of them allow it. */
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  return bpf (BPF_PROG_ATTACH, &attr);
}

static int
program_id (int program, uint32_t *id)
{
  struct bpf_prog_info info = { 0 };
  union bpf_attr attr = { 0 };
  attr.info.bpf_fd = (uint32_t) program;
  attr.info.info_len = sizeof info;
  attr.info.info = address (&info);
  int result = bpf (BPF_OBJ_GET_INFO_BY_FD, &attr);
  *id = info.id;
  return result;
}

/* Of one cgroup (kernel BPF_CGROUP_MAX_PROGS). */
#define MAX_ATTACHED 64

/* Whether the kernel lists the program among those of the cgroup. */
static int
check_attached (int cgroup, int program)
{
  uint32_t ids[MAX_ATTACHED] = { 0 }, id;
  union bpf_attr attr = { 0 };
  attr.query.target_fd = (uint32_t) cgroup;
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_cnt = MAX_ATTACHED;
  attr.query.prog_ids = address (ids);
  if (program_id (program, &id) < 0 || bpf (BPF_PROG_QUERY, &attr) < 0)
    return -1;
  for (uint32_t i = 0; i < attr.query.prog_cnt && i < MAX_ATTACHED; i++)
    if (ids[i] == id)
      return 0;
  errno = ENOENT;
  return -1;
}

int
step_device_filter (struct context *context, const struct step *step)
{
  const char *path = step_string (step, 0);
  const struct argument *program = &step->argv[1];
  (void) context;
  if (program->length == 0 || program->length % sizeof (struct bpf_insn) != 0)
    return fail_with (EINVAL, "", "not a device filter");
  autoclose int loaded = load_unlimited (program);
  if (loaded < 0)
    return fail ("", "cannot load the device filter");
  autoclose int cgroup = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroup < 0 || attach (cgroup, loaded) < 0)
    return fail (path, "cannot attach the device filter");
  return check_attached (cgroup, loaded) < 0 ? fail (path, "the device filter is not in place") : 0;
}
